// Draws the dashboard's charts. A click on a bar or a point opens its calls.

import { colour, onThemeChange } from "./theme.js";

const drawings = JSON.parse(document.getElementById("home-charts")?.textContent ?? "[]");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const drawn = new Map();

function dataset(series, stacked) {
  const tone = colour(`--chart-${series.tone}`);
  const line = series.kind === "line";
  return {
    type: series.kind,
    label: series.name,
    data: series.values,
    links: series.links,
    backgroundColor: tone,
    borderColor: tone,
    borderWidth: line ? 2 : 0,
    borderRadius: line ? 0 : 3,
    pointRadius: 3,
    pointHitRadius: 12,
    spanGaps: true,
    order: line ? 0 : 1, // lines above bars
    // Interrupted calls are among the others, so they are not stacked.
    stack: stacked && !line ? "calls" : series.name,
  };
}

function axis(unit, stacked, grid) {
  return {
    beginAtZero: true,
    stacked,
    ticks: {
      color: colour("--body-quiet-color"),
      precision: unit ? undefined : 0,
      callback: unit ? (value) => `${value} ${unit}` : undefined,
    },
    grid: { color: colour("--hairline-color"), display: grid },
  };
}

function labelAxis(stacked) {
  return {
    stacked,
    ticks: { color: colour("--body-quiet-color"), maxRotation: 0, autoSkipPadding: 12 },
    grid: { display: false },
  };
}

function shorten(axisOptions) {
  // A long name must not leave its bar without room.
  axisOptions.ticks.callback = function (value) {
    const label = this.getLabelForValue(value);
    return label.length > 18 ? `${label.slice(0, 17)}…` : label;
  };
  axisOptions.ticks.autoSkip = false;
  return axisOptions;
}

function scales({ unit, stacked, horizontal }) {
  const values = axis(unit, stacked, true);
  const labels = labelAxis(stacked);
  return horizontal ? { x: values, y: shorten(labels) } : { x: labels, y: values };
}

function tooltip(unit) {
  return {
    callbacks: {
      label: (item) => {
        const value = item.parsed[item.chart.options.indexAxis === "y" ? "x" : "y"];
        return `${item.dataset.label}: ${value}${unit ? ` ${unit}` : ""}`;
      },
    },
  };
}

function linkAt(chart, elements) {
  const [first] = elements;
  return first && chart.data.datasets[first.datasetIndex].links[first.index];
}

function options(drawing) {
  return {
    indexAxis: drawing.horizontal ? "y" : "x",
    responsive: true,
    maintainAspectRatio: false,
    animation: still.matches ? false : { duration: 300 },
    interaction: { mode: "nearest", intersect: true },
    scales: scales(drawing),
    plugins: {
      legend: {
        display: drawing.series.length > 1,
        position: "bottom",
        labels: { color: colour("--body-fg"), boxWidth: 12, boxHeight: 12 },
      },
      tooltip: tooltip(drawing.unit),
    },
    onClick: (event, elements, chart) => {
      const link = linkAt(chart, elements);
      if (link) location.assign(link);
    },
    onHover: (event, elements, chart) => {
      chart.canvas.classList.toggle("is-link", Boolean(linkAt(chart, elements)));
    },
  };
}

function draw(drawing) {
  const canvas = document.querySelector(`canvas[data-chart="${drawing.slug}"]`);
  if (!canvas) return;
  drawn.get(drawing.slug)?.destroy();
  const datasets = drawing.series.map((series) => dataset(series, drawing.stacked));
  const chart = new window.Chart(canvas, {
    type: drawing.series[0].kind,
    data: { labels: drawing.labels, datasets },
    options: options(drawing),
  });
  drawn.set(drawing.slug, chart);
}

function drawAll() {
  drawings.forEach(draw);
}

drawAll();
onThemeChange(drawAll);

"""Navigation by keyboard."""

from playwright.async_api import Locator, Page

# No page of the console has more stops.
MAX_STOPS = 250


async def tab_to(page: Page, target: Locator, *, key: str = "Tab") -> None:
    """Press Tab until the target has the focus, and check that it can be seen."""
    await target.wait_for()
    for _ in range(MAX_STOPS):
        if await target.evaluate("element => element === document.activeElement"):
            assert await target.evaluate(SHOWS_FOCUS), f"no focus shown: {target}"
            return
        await page.keyboard.press(key)
    raise AssertionError(f"{target} cannot be reached by keyboard")


# An outline, a ring or an underline; a field with a border may change its colour.
SHOWS_FOCUS = """element => {
  const style = getComputedStyle(element);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const look = ({ borderColor, boxShadow, backgroundColor, textDecorationLine }) =>
    [borderColor, boxShadow, backgroundColor, textDecorationLine].join();
  const focused = look(style);
  if (outlined) return true;
  element.blur();
  const blurred = look(getComputedStyle(element));
  element.focus();
  return focused !== blurred;
}"""


async def tab_through(page: Page, *, key: str = "Tab") -> list[str]:
    """Press Tab to the end of the page; return the controls under its sticky bars."""
    hidden: set[str] = set()
    for _ in range(MAX_STOPS):
        await page.keyboard.press(key)
        covered = await page.evaluate(COVERED)
        if covered is None:
            return sorted(hidden)
        hidden.update(covered)
    raise AssertionError("the page has no last control")


COVERED = """() => {
  const element = document.activeElement;
  if (element === document.body) return null;
  const box = element.getBoundingClientRect();
  const covers = (bar) => {
    const { top, bottom } = bar.getBoundingClientRect();
    return bar.checkVisibility() && !bar.contains(element) &&
      top < box.bottom && bottom > box.top;
  };
  const bars = [...document.querySelectorAll(".tabs, .submit-row")].filter(covers);
  const name = element.id || element.textContent.trim();
  return bars.map((bar) =>
    `${name} at ${box.top} to ${box.bottom} px is under .${bar.className}`);
}"""

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

#!/usr/bin/python3
"""board_browser.py WHAT PAGE [ARGUMENT…]: looks at a board in a real, headless Chromium.

WHAT is a function below; it exits 0, or says what is wrong. Whatever it is, the page must not log an
error, and must not ask the network for anything.
"""
import json
import os
import sys
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = ("--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync --disable-dev-shm-usage").split()


def start(profile):
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for flag in FLAGS + ["--user-data-dir=" + profile, "--window-size=1280,900"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


class Board:
    def __init__(self, driver, page):
        self.driver = driver
        self.url = "file://" + page

    def load(self, fragment=""):
        self.driver.get("about:blank")
        self.driver.get(self.url + fragment)
        self.until(lambda: self.js("return document.documentElement.dataset.ready") == "1")

    def js(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def until(self, what):
        return WebDriverWait(self.driver, 60, 0.05).until(lambda _: what())

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.js("return document.querySelector(arguments[0]).textContent", selector)

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def system(self, scheme):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def is_open(self):
        return self.js("return document.getElementById('detail').open")

    def requests(self):
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                yield message["params"]["request"]["url"]


def same(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


def contains(text, part):
    text = text.replace("\u00a0", " ")
    assert part in text, f"{part!r} is not in {text!r}"


# ---- what there is to look at ----

def click(board, run, said):
    """A run is found on the timeline, clicked, and its output read."""
    box = board.find("#timeline")
    box.send_keys(Keys.END)
    same(box.get_attribute("data-run"), run)
    x, y = map(int, box.get_attribute("data-at").split())
    canvas = board.find("#timeline-canvas")
    size = canvas.size
    chain = ActionChains(board.driver)
    chain.move_to_element_with_offset(canvas, x - size["width"] // 2, y - size["height"] // 2)
    chain.perform()
    board.until(lambda: "run " + run in board.text("#tip"))
    chain.click().perform()
    board.until(board.is_open)
    contains(board.text("#detail-body"), "rota logs " + run)
    contains(board.text("#detail pre"), said)
    # Escape closes it, and the focus is where it was
    board.keys(Keys.ESCAPE)
    board.until(lambda: not board.is_open())
    same(board.js("return document.activeElement.id"), "timeline")
    # its copy is beside the page
    link = f"output/{run}.out.txt"
    board.load("#run=" + run)
    board.until(board.is_open)
    same(board.find(f'#detail a[href="{link}"]').text, "all of it")


def keyboard(board, said):
    """From the top by Tab to the timeline, by arrows to a run, by Enter into it."""
    for _ in range(60):
        board.keys(Keys.TAB)
        if board.js("return document.activeElement.id") == "timeline":
            break
    else:
        raise AssertionError("Tab does not lead to the timeline")
    outline = board.js("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "the focus cannot be seen"
    board.keys(Keys.ARROW_RIGHT, Keys.HOME)
    first = board.find("#timeline").get_attribute("data-run")
    board.keys(Keys.ARROW_RIGHT)
    second = board.find("#timeline").get_attribute("data-run")
    assert int(second) > int(first), f"{second} is not after {first}"
    board.keys(Keys.ARROW_LEFT)
    same(board.find("#timeline").get_attribute("data-run"), first)
    contains(board.text("#announce"), "run " + first)
    board.keys("-")
    same(board.find('#zoom [aria-pressed="true"]').text, "7 d")
    board.keys("+", "+", "+")
    same(board.find('#zoom [aria-pressed="true"]').text, "1 h")
    board.keys(Keys.ENTER)
    board.until(board.is_open)
    contains(board.text("#detail-body"), said)
    board.keys(Keys.ESCAPE)
    board.until(lambda: not board.is_open())
    # the calendar of a job as well
    board.js("document.querySelector('canvas.calendar').focus()")
    board.keys(Keys.ARROW_LEFT, Keys.ARROW_RIGHT, Keys.ENTER)
    board.until(board.is_open)
    assert board.find("#detail .rows button"), "the day lists no run"


def theme(board):
    """Dark follows the system, until somebody chooses; the choice stays."""
    def background():
        return board.js("return getComputedStyle(document.body).backgroundColor")
    board.system("light")
    light = background()
    board.system("dark")
    board.until(lambda: background() != light)
    board.find("#theme").click()  # light
    board.until(lambda: background() == light)
    board.find("#theme").click()  # dark
    board.until(lambda: background() != light)
    board.system("light")
    board.load()
    assert background() != light, "the choice is forgotten"


def phone(board):
    """At 360 px nothing has to be scrolled sideways."""
    for width in (360, 768, 1280):
        board.size(width, 740)
        board.load()
        wide = board.js("return document.documentElement.scrollWidth")
        assert wide <= width, f"{wide} px wide in a window of {width}"
        over = board.js("return [...document.querySelectorAll('main *')].filter(e => "
                        "e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.outerHTML.slice(0, 80))")
        same(over, [])
    board.size(360, 740)
    board.load()
    board.js("document.querySelector('#failures button').click()")
    board.until(board.is_open)
    assert board.js("return document.getElementById('detail').scrollWidth") <= 360


def days(board, *days):
    """In the view of seven days each day is named once, where it begins."""
    board.js("window.said = []; const draw = CanvasRenderingContext2D.prototype.fillText;"
             "CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {"
             "  window.said.push(text); draw.call(this, text, ...at); }")
    board.find("#zoom button:last-child").click()
    board.until(lambda: [d for d in board.js("return window.said") if "," in d])
    said = [d for d in board.js("return window.said") if "," in d]
    same(said[-len(days):], list(days))


def hostile(board, job, output):
    """What users wrote is text, wherever it stands."""
    same(board.js("return window.hacked ?? null"), None)
    same(board.js("return document.scripts.length"), 2)
    same(board.js("return document.querySelectorAll('main img, main script, main iframe').length"), 0)
    names = board.js("return [...document.querySelectorAll('#jobs h3')].map(e => e.textContent)")
    assert job in names, names
    contains(board.text("#alerts"), job)
    board.js("document.querySelector('#failures button').click()")
    board.until(board.is_open)
    contains(board.text("#detail pre"), output)
    same(board.js("return window.hacked ?? null"), None)
    same(board.js("return document.querySelectorAll('#detail img, #detail script, #detail iframe').length"), 0)


def many(board, runs):
    """Ten thousand runs are drawn, and drawn again quickly."""
    contains(board.text("#footer"), runs)
    colours = board.js("const c = document.getElementById('timeline-canvas'); const d = c.getContext('2d')"
                       ".getImageData(0, 0, c.width, c.height).data; const s = new Set();"
                       "for (let i = 0; i < d.length; i += 4) s.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);"
                       "return s.size")
    assert colours > 8, f"the timeline shows only {colours} colours"
    took = board.driver.execute_async_script(
        "const done = arguments[0], times = []; let last = performance.now(), n = 0;"
        "const next = () => { const now = performance.now(); times.push(now - last); last = now;"
        "  if (++n > 24) return done(times.sort((a, b) => a - b)[12]);"
        "  document.querySelectorAll('#zoom button')[n % 4].click(); requestAnimationFrame(next); };"
        "requestAnimationFrame(next)")
    assert took < 250, f"a frame takes {took} ms"


def shows(board, *pairs):
    """SELECTOR TEXT …: the text is there."""
    for selector, text in zip(pairs[::2], pairs[1::2]):
        contains(board.js("return [...document.querySelectorAll(arguments[0])].filter(e => !e.closest('[hidden]'))"
                          ".map(e => (e.getAttribute('aria-label') ?? '') + ' ' + e.textContent).join('\\n')",
                          selector), text)


def main():
    what, page, *arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory() as profile:
        os.environ["HOME"] = profile  # Chromium writes more than its profile
        driver = start(profile + "/profile")
        try:
            board = Board(driver, page)
            board.load()
            globals()[what](board, *arguments)
            errors = [e["message"] for e in driver.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
            same(errors, [])
            # chrome: is Chromium's own first tab
            foreign = [u for u in board.requests() if u.split(":")[0] not in ("file", "data", "about", "chrome")]
            same(foreign, [])
        finally:
            driver.quit()


main()

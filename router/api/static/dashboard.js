// The dashboard's own script: draws the charts, says whether the page is live, and pauses it.
// htmx swaps the rest. Nothing here builds HTML out of text.
"use strict";

(() => {
  const charts = new Map(); // name → {view, spec, data}
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const byId = (id) => document.getElementById(id);
  let paused = false;

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  function config() {
    const words = { labelColor: colour("quiet"), titleColor: colour("quiet") };
    return {
      background: null,
      aria: false, // the figure has a label, and a table has the numbers
      font: getComputedStyle(document.body).fontFamily,
      view: { stroke: null },
      axis: {
        ...words,
        titleFontWeight: "normal",
        gridColor: colour("line"),
        domainColor: colour("line"),
        tickColor: colour("line"),
      },
      legend: words,
      range: { category: [colour("easy"), colour("medium"), colour("hard")] },
      mark: { color: colour("mark") },
      line: { color: colour("ink"), strokeWidth: 2 },
      point: { color: colour("mark") },
      rule: { color: colour("mark") },
      tick: { color: colour("ink") },
    };
  }

  // Vega's own tooltip writes style attributes, which the policy of this page forbids.
  const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
  function tooltip(_handler, event, _item, value) {
    tip.hidden = value == null || value === "";
    if (tip.hidden) return;
    tip.textContent = Object.entries(value)
      .map(([name, one]) => `${name}: ${one}`)
      .join("\n");
    tip.style.left = `${Math.min(event.pageX + 12, document.documentElement.clientWidth - 180)}px`;
    tip.style.top = `${event.pageY + 12}px`;
  }

  async function draw(name, { spec, data }) {
    const host = byId(`chart-${name}`);
    if (!host) return;
    if (Object.values(data).every((rows) => !rows.length)) {
      host.textContent = "No figures yet.";
      host.dataset.drawn = "empty";
      return;
    }
    const { view } = await vegaEmbed(host, { ...spec, datasets: data }, {
      mode: "vega-lite",
      renderer: "svg",
      actions: false,
      defaultStyle: false,
      logLevel: 1, // errors: that a day has no baseline is none
      ast: true, // expressions are interpreted, so the policy need not allow eval
      config: config(),
      tooltip,
    });
    charts.get(name)?.view.finalize();
    charts.set(name, { view, spec, data });
    host.dataset.drawn = "true";
  }

  async function update(name, fresh) {
    const chart = charts.get(name);
    // A new day has a new axis.
    if (JSON.stringify(chart?.spec) !== JSON.stringify(fresh.spec)) return draw(name, fresh);
    chart.data = fresh.data;
    for (const [rows, values] of Object.entries(fresh.data)) chart.view.data(rows, values);
    return chart.view.runAsync();
  }

  // Drawing begins when the page is painted and Vega is here; until then the latest figures wait.
  let waiting = null;
  let ready = false;
  let turn = Promise.resolve(); // one after the other: two drawings of one chart would both stay

  function each(fresh, how) {
    if (ready) turn = turn.then(() => inTurn(fresh, how));
    else waiting = fresh;
  }

  async function inTurn(fresh, how) {
    for (const [name, chart] of Object.entries(fresh)) {
      try {
        await how(name, chart);
      } catch (error) {
        console.error(`chart ${name}`, error);
      }
    }
  }

  function say(words, state) {
    const place = byId("connection");
    if (place.textContent !== words) place.textContent = words;
    place.dataset.state = state;
  }

  function listen() {
    document.addEventListener("htmx:sse:before:message", (event) => {
      if (paused) event.preventDefault();
    });
    document.addEventListener("htmx:sse:after:connection", () => {
      if (!paused) say("Live", "live");
    });
    document.addEventListener("htmx:sse:error", () => say("Not connected, trying again", "off"));
    document.addEventListener("htmx:response:error", (event) => {
      const status = event.detail?.ctx?.response?.status;
      if (event.target.id !== "live") return;
      if (status === 401) location.reload();
      say(status === 503 ? "Not live: too many look already" : "Not live", "off");
    });
    byId("live").addEventListener("charts", (event) => {
      each(JSON.parse(event.detail.data), update);
    });
    dark.addEventListener("change", () => each(Object.fromEntries(charts), draw));
  }

  function pausing() {
    const button = byId("pause");
    button.hidden = false;
    button.addEventListener("click", () => {
      paused = !paused;
      button.setAttribute("aria-pressed", String(paused));
      button.textContent = paused ? "Resume" : "Pause";
      if (paused) say("Paused", "off");
      else location.reload(); // what was missed is nowhere else
    });
  }

  // Deferred scripts run when the page has been read.
  document.body.append(tip);
  listen();
  pausing();
  // Vega is thirty times as long as all else: the page is painted and live before it is asked for.
  addEventListener("load", () => {
    const place = byId("charts");
    const vega = document.createElement("script");
    vega.src = place.dataset.vega;
    vega.addEventListener("load", () => {
      ready = true;
      each(waiting ?? JSON.parse(place.textContent), draw);
    });
    document.head.append(vega);
  });
})();

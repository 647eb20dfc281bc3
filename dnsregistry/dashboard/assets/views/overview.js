// The program itself: how much it is asked, how long that takes, and what it leans on.
import { Component, createRef, html } from "../preact.js";
import { duration, number, rate } from "../format.js";

// Of the plots at least, so that the first minute does not look like more.
const SECONDS = 120;

export function Overview({ app }) {
  const stats = app.stats;
  const last = app.samples[app.samples.length - 1];
  return html`
    <section class="overview" tabindex="0" role="region" aria-label="Overview">
      <div class="tiles">
        <${Tile} name="services" value=${number(app.catalogue.names.length)} />
        <${Tile} name="instances" value=${number(app.catalogue.instances.size)} />
        <${Tile} name="queries a second" value=${last ? rate(last.queries) : "–"} />
        <${Tile} name="up" value=${stats ? duration(stats.uptime) : "–"} />
      </div>
      <${Plot} title="DNS queries a second" samples=${app.samples} field="queries" tone="--plot-a" />
      <${Plot} title="DNS latency, mean, µs" samples=${app.samples} field="latency" tone="--plot-b" />
      ${stats && html`<div class="cards">
        <${Card} title="Store" facts=${stats.store} />
        <${Card} title="Forwarder" facts=${stats.forward} otherwise="UPSTREAMS is not set: names of others are refused." />
        <${Card} title="Workers" facts=${stats.workers} otherwise="The main process answers alone." />
        <${Card} title="Checks" facts=${stats.health} />
      </div>`}
    </section>`;
}

function Tile({ name, value }) {
  return html`<div class="tile"><b>${value}</b><span>${name}</span></div>`;
}

function Card({ title, facts, otherwise }) {
  return html`<article class="card"><h2>${title}</h2>
    ${facts ? html`<dl>${flatten(facts).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`
      : html`<p class="empty">${otherwise}</p>`}</article>`;
}

function flatten(facts, before = "") {
  return Object.entries(facts).flatMap(([name, value]) => {
    const path = `${before}${name.replaceAll("_", " ")}`;
    if (Array.isArray(value)) return value.length && typeof value[0] === "string" ? [[path, value.join(", ")]] : [];
    if (value && typeof value === "object") return flatten(value, `${path} · `);
    return [[path, value === null ? "no" : typeof value === "number" ? number(value) : String(value)]];
  });
}

function clockTime(seconds) {
  return new Date(seconds * 1000).toTimeString().slice(0, 8);
}

class Plot extends Component {
  constructor(props) {
    super(props);
    this.place = createRef();
  }

  componentDidMount() {
    this.draw();
    this.observer = new ResizeObserver(() => this.plot.setSize(this.size()));
    this.observer.observe(this.place.current);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => { this.plot.destroy(); this.draw(); };
    this.dark.addEventListener("change", this.redraw);
    addEventListener("theme", this.redraw);
  }

  componentWillUnmount() {
    this.observer.disconnect();
    this.dark.removeEventListener("change", this.redraw);
    removeEventListener("theme", this.redraw);
    this.plot.destroy();
  }

  componentDidUpdate() {
    this.plot.setData(this.data());
  }

  size() {
    return { width: Math.max(200, this.place.current.clientWidth), height: 160 };
  }

  data() {
    const { samples, field } = this.props;
    return [samples.map((sample) => sample.at), samples.map((sample) => sample[field])];
  }

  draw() {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: color("--quiet"), grid: { stroke: color("--line") }, ticks: { stroke: color("--line") } };
    this.plot = new window.uPlot({
      ...this.size(), legend: { show: false }, cursor: { drag: { x: false, y: false } },
      scales: { x: { range: (_, low, high) => [Math.min(low, high - SECONDS), high] }, y: { range: (_, low, high) => [0, Math.max(1, high * 1.1 || 1)] } },
      axes: [{ ...axis, values: (_, times) => times.map(clockTime), space: 90 }, { ...axis, size: 60 }],
      series: [{}, { stroke: color(this.props.tone), width: 2, fill: `${color(this.props.tone)}22` }],
    }, this.data(), this.place.current);
  }

  render({ title, samples, field }) {
    const last = samples[samples.length - 1];
    const told = last && last[field] !== null ? rate(last[field]) : "no figure yet";
    return html`<figure><figcaption>${title}</figcaption>
      <div class="plot" role="img" aria-label=${`${title}: ${told}`} ref=${this.place}></div></figure>`;
  }
}

// A long list of which only the rows in sight are there.
import { Component, createRef, html } from "./preact.js";

const BEYOND = 6;

export class Rows extends Component {
  constructor(props) {
    super(props);
    this.frame = createRef();
    this.state = { top: 0, height: 600 };
    this.drawn = { first: 0, keys: [] };
    this.sight = { top: 0, first: 0, keys: [] };
    this.followed = null;
    this.look = () => {
      const box = this.frame.current;
      if (!box) return;
      this.setState({ top: box.scrollTop, height: box.clientHeight });
      this.note();
    };
  }

  componentDidMount() {
    this.observer = new ResizeObserver(this.look);
    this.observer.observe(this.frame.current);
    this.look();
    this.follow();
  }

  componentWillUnmount() {
    this.observer.disconnect();
  }

  componentDidUpdate() {
    this.hold();
    this.follow();
  }

  // Which rows are in sight, by key: that is how they are found again. The list may have changed since it was drawn.
  note() {
    const { size } = this.props;
    const { scrollTop, clientHeight } = this.frame.current;
    const first = Math.max(this.drawn.first, Math.floor(scrollTop / size));
    const end = Math.max(first, Math.ceil((scrollTop + clientHeight) / size));
    this.sight = { top: scrollTop, first, keys: this.drawn.keys.slice(first - this.drawn.first, end - this.drawn.first) };
  }

  // Rows in sight stay where they are though others come and go above them; at the top all are seen to come.
  hold() {
    const { keys, size } = this.props;
    const { top, first, keys: seen } = this.sight;
    const kept = top > 0 ? seen.find((key) => keys.includes(key)) : undefined;
    const moved = kept === undefined ? 0 : keys.indexOf(kept) - first - seen.indexOf(kept);
    if (moved) this.scroll(top + moved * size);
    else this.note();
  }

  // Brings what is selected into sight, once: whoever scrolls away from it is not taken back.
  follow() {
    const { keys, selected, size } = this.props;
    if (selected === this.followed) return;
    const place = selected === null ? -1 : keys.indexOf(selected);
    this.followed = place < 0 ? null : selected;
    if (place < 0) return;
    const { scrollTop, clientHeight } = this.frame.current;
    const top = place * size;
    if (top < scrollTop) this.scroll(top);
    else if (top + size > scrollTop + clientHeight) this.scroll(top + size - clientHeight);
  }

  scroll(top) {
    this.frame.current.scrollTop = top;
    this.look();
  }

  render({ keys, size, row, label, seen }) {
    const first = Math.max(0, Math.floor(this.state.top / size) - BEYOND);
    const end = Math.min(keys.length, Math.ceil((this.state.top + this.state.height) / size) + BEYOND);
    this.drawn = { first, keys: keys.slice(first, end) };
    const shown = this.drawn.keys.map(row);
    seen?.(this.drawn.keys);
    return html`
      <div class="rows" ref=${this.frame} onScroll=${this.look} tabindex="0" role="region" aria-label=${label}>
        <ul style=${`height:${keys.length * size}px;padding-top:${first * size}px`}>${shown}</ul>
      </div>`;
  }
}

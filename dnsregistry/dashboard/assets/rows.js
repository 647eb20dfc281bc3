// A long list of which only the rows in sight are there.
import { Component, createRef, html } from "./preact.js";

const BEYOND = 6;

export class Rows extends Component {
  constructor(props) {
    super(props);
    this.frame = createRef();
    this.state = { top: 0, height: 600 };
    this.look = () => {
      const box = this.frame.current;
      if (box) this.setState({ top: box.scrollTop, height: box.clientHeight });
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

  componentDidUpdate(before) {
    if (before.selected !== this.props.selected) this.follow();
  }

  // Keeps what is selected in sight.
  follow() {
    const { selected, size } = this.props;
    const box = this.frame.current;
    if (selected === undefined || selected < 0 || !box) return;
    const top = selected * size;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + size > box.scrollTop + box.clientHeight) box.scrollTop = top + size - box.clientHeight;
  }

  render({ count, size, row, label, seen }) {
    const first = Math.max(0, Math.floor(this.state.top / size) - BEYOND);
    const end = Math.min(count, Math.ceil((this.state.top + this.state.height) / size) + BEYOND);
    const shown = [];
    for (let place = first; place < end; place += 1) shown.push(row(place));
    seen?.(first, end);
    return html`
      <div class="rows" ref=${this.frame} onScroll=${this.look} tabindex="0" role="region" aria-label=${label}>
        <ul style=${`height:${count * size}px;padding-top:${first * size}px`}>${shown}</ul>
      </div>`;
  }
}

// What is asked in between.
import { Component, createRef, html } from "../preact.js";
import { secrets } from "../api.js";

const KEYS = [
  ["/", "explain a name"], ["f", "filter services"], ["j  k", "next, previous"],
  ["Enter", "open"], ["Esc", "back"], ["t", "token"], ["?", "these keys"],
];
// A header carries nothing else; spaces around it are cut off.
const SENDABLE = " *[!-~]* *";
const SENDABLE_TOLD = "Letters, digits and signs of ASCII, without spaces";

export function Dialogs({ app }) {
  if (app.dialog === "token") return html`<${Token} app=${app} />`;
  if (app.dialog === "keys") return html`<${Keys} app=${app} />`;
  if (app.dialog) return html`<${Question} app=${app} ...${app.dialog} />`;
  return null;
}

class Modal extends Component {
  constructor(props) {
    super(props);
    this.dialog = createRef();
  }

  componentDidMount() {
    this.dialog.current.showModal();
  }

  // Closed, not just taken away: only then the focus goes back to where it was.
  componentWillUnmount() {
    this.dialog.current.close();
  }

  render({ title, onClose, children }) {
    return html`<dialog ref=${this.dialog} onClose=${() => this.dialog.current && onClose()} aria-labelledby="dialog-title">
      <h2 id="dialog-title">${title}</h2>${children}</dialog>`;
  }
}

// What is typed stays when the page is drawn anew: a value would be set again each time.
function Token({ app }) {
  const close = () => app.set({ dialog: null });
  const save = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    secrets.set(form.get("token").trim(), form.get("owner").trim());
    app.set({ dialog: null, notice: "" });
    app.reconnect();
  };
  return html`<${Modal} title="Token" onClose=${close}>
    <form onSubmit=${save}>
      <p>Kept in this tab alone, until it is closed.</p>
      <label>Bearer token <input name="token" type="password" autocomplete="off"
        pattern=${SENDABLE} title=${SENDABLE_TOLD} defaultValue=${secrets.token} /></label>
      <label>Owner secret, if the instance has one
        <input name="owner" type="password" autocomplete="off"
          pattern=${SENDABLE} title=${SENDABLE_TOLD} defaultValue=${secrets.owner} /></label>
      <div class="actions"><button>Save</button><button type="button" onClick=${close}>Cancel</button></div>
    </form></${Modal}>`;
}

function Question({ app, title, text, yes, act }) {
  const close = () => app.set({ dialog: null });
  return html`<${Modal} title=${title} onClose=${close}><p>${text}</p>
    <div class="actions"><button class="danger" onClick=${() => { close(); act(); }}>${yes}</button>
      <button autofocus onClick=${close}>Cancel</button></div></${Modal}>`;
}

function Keys({ app }) {
  const close = () => app.set({ dialog: null });
  return html`<${Modal} title="Keys" onClose=${close}>
    <dl>${KEYS.map(([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`)}</dl>
    <div class="actions"><button onClick=${close}>Close</button></div></${Modal}>`;
}

// Why a name is answered as it is.
import { html } from "../preact.js";
import { number } from "../format.js";

export function Explain({ app }) {
  const { question, answer, error } = app.explained;
  return html`
    <section class="explain" tabindex="0" role="region" aria-label="Explanation">
      <button class="close" onClick=${() => app.set({ explained: null })} aria-label="Close">×</button>
      <h1>${question.name} <span class="type">${question.type}</span></h1>
      ${error && html`<p class="notice" role="alert">${error}</p>`}
      ${!answer && !error && html`<p class="empty">Asking …</p>`}
      ${answer && html`<${Answer} answer=${answer} />`}
    </section>`;
}

function Answer({ answer }) {
  const path = typeof answer.path === "string" ? answer.path : JSON.stringify(answer.path);
  const left = answer.candidates_total - answer.candidates.length;
  return html`
    <p class="verdict"><b>${answer.rcode}</b> <span>${path}</span></p>
    ${answer.answer.length > 0
      ? html`<pre tabindex="0">${answer.answer.join("\n")}</pre>`
      : html`<p class="empty">No records.</p>`}
    ${answer.candidates.length > 0 && html`
      <h2>Candidates</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="Candidates"><table>
        <thead><tr><th scope="col">Instance</th><th scope="col">In the answer</th><th scope="col">Reason</th></tr></thead>
        <tbody>${answer.candidates.map((one) => html`<tr>
          <td>${one.id}</td><td class=${one.kept ? "good" : "bad"}>${one.kept ? "kept" : "dropped"}</td>
          <td>${one.reason}</td></tr>`)}</tbody>
      </table></div>
      ${left > 0 && html`<p class="empty">and ${number(left)} more</p>`}`}`;
}

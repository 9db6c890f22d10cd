// One turn of the conversation: the line that was sent, and under it the answer as it comes to be.

import { el, icon } from "./dom.js";
import { asFile, downloads, gallery } from "./media.js";
import { t } from "./words.js";

export const ENDED = new Set(["done", "failed", "cancelled"]);

export class Card {
  // `desk` has cancel(card), press(button), edit(line), attach(file) and a lightbox.
  constructor(turn, desk, urls = []) {
    this.turn = turn;
    this.desk = desk;
    this.state = null;
    this.answer = el("div", { class: "answer waiting" }, el("p", { class: "text" }, t("Sending…")));
    this.node = el("li", { class: "turn" }, said(turn, urls), this.answer);
  }

  get live() {
    return this.state === null || !ENDED.has(this.state.state);
  }

  show(state) {
    const before = this.state;
    this.state = state;
    this.answer.className = `answer ${state.state}`;
    if (ENDED.has(state.state)) this.answer.replaceChildren(...this.end(state));
    else this.progress(state, before);
  }

  progress(state, before) {
    if (before === null || !this.bar) this.answer.replaceChildren(...this.frame());
    this.text.textContent = state.text;
    if (state.fraction === null) this.bar.removeAttribute("value");
    else this.bar.value = state.fraction;
    if (state.preview && state.preview.url !== this.preview.getAttribute("src")) this.peek(state.preview.url);
  }

  frame() {
    this.preview = el("img", { class: "preview", alt: t("The picture so far"), hidden: true });
    this.text = el("p", { class: "text" });
    this.bar = el("progress", { max: 1, "aria-label": this.turn.line });
    this.stop = el("button", { type: "button", class: "action", onclick: () => this.cancel() }, icon("close"), t("Cancel"));
    return [this.preview, this.text, this.bar, el("div", { class: "actions" }, this.stop)];
  }

  // The old preview stays until the new one is decoded, so that it does not flicker.
  async peek(url) {
    const next = new Image();
    next.src = url;
    await next.decode().catch(() => null);
    if (!next.naturalWidth || !this.live) return;
    this.preview.src = url;
    this.preview.hidden = false;
  }

  cancel() {
    this.stop.disabled = true;
    this.stop.lastChild.textContent = t("Cancelling…");
    this.desk.cancel(this);
  }

  uncancel() {
    if (!this.stop) return;
    this.stop.disabled = false;
    this.stop.lastChild.textContent = t("Cancel");
  }

  end(state) {
    if (state.error) return [el("p", { class: "text" }, icon("close"), state.error.message), el("div", { class: "actions" }, this.editing())];
    const { media } = state.result;
    return [
      media.length ? gallery(media, state.alt || this.turn.line, this.desk.lightbox) : null,
      state.text ? el("p", { class: "text" }, ...marked(state.text)) : null,
      el("div", { class: "actions" }, ...downloads(media), ...this.buttons(state), this.using(media), media.length ? this.editing() : null),
    ].filter(Boolean);
  }

  buttons(state) {
    return (state.buttons ?? []).map((button) =>
      el("button", { type: "button", class: "action", onclick: () => this.desk.press(button, this.turn.line) }, icon("again"), button.label));
  }

  editing() {
    return el("button", { type: "button", class: "action", onclick: () => this.desk.edit(this.turn.line) }, icon("edit"), t("Edit"));
  }

  using(media) {
    const picture = media.find((each) => each.mime.startsWith("image/"));
    if (!picture || !this.state.id) return null;
    return el("button", { type: "button", class: "action", onclick: async () => this.desk.attach(await asFile(picture)) },
      icon("attach"), t("Use as input"));
  }
}

function said({ line, files }, urls) {
  const [, command, rest] = /^(\/\S*)?(.*)$/s.exec(line);
  const thumbs = files.map((name, index) => urls[index]
    ? el("img", { src: urls[index], alt: name })
    : el("span", { class: "file" }, icon("file"), name));
  return el("div", { class: "said" }, ...thumbs, el("p", {}, command ? el("b", {}, command) : null, rest));
}

// `code` and **strong** in an answer's text; everything else stays text.
function marked(text) {
  return text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*)/).map((part) => {
    if (/^`.+`$/.test(part)) return el("code", {}, part.slice(1, -1));
    if (/^\*\*.+\*\*$/.test(part)) return el("strong", {}, part.slice(2, -2));
    return part;
  });
}

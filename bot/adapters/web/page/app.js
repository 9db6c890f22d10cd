// The page: boots from the server's declarations, sends lines, keeps the turns and follows the live ones.

import * as api from "./api.js";
import { announce } from "./announce.js";
import { Card } from "./card.js";
import { Composer } from "./composer.js";
import { el, find } from "./dom.js";
import { History } from "./history.js";
import { Lightbox } from "./lightbox.js";
import { letIn } from "./login.js";
import { Scroll } from "./scroll.js";
import { Stream } from "./stream.js";
import { speak, t } from "./words.js";

const IDEAS = ["/imagine a red apple", "/imagine a fox in the snow --count 2", "/imagine a castle at night --shape wide", "/help"];

class Page {
  constructor({ commands, file_bytes: bound }) {
    this.commands = commands;
    this.cards = new Map();
    this.shown = new Map();
    this.history = new History(() => this.shared());
    this.lightbox = new Lightbox();
    this.stream = new Stream({
      receive: (state) => this.receive(state),
      opened: () => this.connected(),
      lost: () => this.tell(t("No connection. Trying again…")),
    });
    this.composer = new Composer({
      commands, bound,
      send: (line, pairs, entries) => this.send(line, pairs, entries),
      refuse: (message) => this.refuse(message),
      last: () => this.history.last(),
    });
    find("clear").addEventListener("click", () => this.clear());
    this.scroll = new Scroll(find("log"), find("turns"));
  }

  async start() {
    find("ideas").replaceChildren(...IDEAS.map((idea) =>
      el("li", {}, el("button", { type: "button", class: "idea", onclick: () => this.composer.put(idea) }, idea))));
    this.tidy();
    await Promise.all(this.history.turns.map((turn) => this.recall(turn)));
    this.follow();
    this.write();
  }

  async recall(turn) {
    const card = this.place(turn, "…");
    if (turn.state) return card.show(turn.state);
    this.cards.set(turn.id, card);
    await this.read(card, (state) => card.show(state));
  }

  async read(card, take = (state) => this.accept(card, state)) {
    try {
      take(await api.state(card.turn.id));
    } catch (error) {
      if (error.status === 404) card.show(failure(error.kind, t("The server no longer knows this one.")));
      else this.tell(error.message);
    }
  }

  place(turn, words, entries = []) {
    if (!turn.key) this.history.add(turn);
    const card = new Card(turn, this, words, entries);
    this.shown.set(turn.key, card);
    find("turns").append(card.node);
    this.tidy();
    this.scroll.toEnd();
    return card;
  }

  tidy() {
    const empty = !find("turns").children.length;
    find("welcome").hidden = !empty;
    find("clear").hidden = empty;
  }

  async send(line, pairs, entries) {
    const turn = { line, files: entries.map((entry) => entry.file.name) };
    const card = this.place(turn, t("Sending…"), entries);
    await this.settle(card, api.ask(line, pairs));
  }

  async press(button, card) {
    if (button.withdraws) return this.withdraw(button, card);
    if (button.replaces) return this.become(button, card);
    if (button.edit !== null) return this.open(button, button.edit);
    const made = this.place({ line: card.turn.line, label: button.label, files: [] }, t("Sending…"));
    await this.settle(made, api.press(button));
  }

  open(button, text) {
    this.composer.edit(text, button, (revised) => this.revised(button, revised));
  }

  async revised(button, text) {
    const turn = { line: text, label: button.label, opened: button, files: [] };
    await this.settle(this.place(turn, t("Sending…")), api.press(button, text));
  }

  // The answer takes the place of the card that carries the button; a refusal leaves that as it is. One press is enough.
  async become(button, card) {
    if (card.pressed) return;
    card.pressed = true;
    try {
      const state = await api.press(button);
      this.cards.delete(card.turn.id);
      delete card.turn.id;
      delete card.turn.state;
      card.begin(t("Sending…"));
      await this.take(card, state);
      for (const id of state.then ?? []) this.beside(id, card.turn.line);
    } catch (error) {
      if (!(error instanceof api.Refused)) throw error;
      return this.refuse(error.message);
    } finally {
      card.pressed = false;
    }
    this.history.save(card.turn);
    this.follow();
  }

  // A job that was made with the answer, in a card of its own.
  async beside(id, line) {
    await this.settle(this.place({ line, files: [] }, t("Sending…")), api.state(id));
  }

  async withdraw(button, card) {
    try {
      await api.press(button);
    } catch (error) {
      return this.refuse(error.message);
    }
    this.history.remove(card.turn);
    this.drop(card);
    this.write();
  }

  drop(card) {
    this.cards.delete(card.turn.id);
    this.shown.delete(card.turn.key);
    card.node.remove();
    this.tidy();
  }

  // What another tab asked, forgot, or had answered in its place.
  async shared() {
    for (const card of [...this.shown.values()]) if (this.history.forgot(card.turn)) this.drop(card);
    for (const turn of this.history.turns) {
      const card = this.shown.get(turn.key);
      if (card && alike(turn, card.turn)) continue;
      if (card) this.drop(card);
      await this.recall(turn);
    }
    this.follow();
  }

  async settle(card, asked) {
    try {
      await this.take(card, await asked);
    } catch (error) {
      if (!(error instanceof api.Refused)) throw error;
      if (error.status === 401) return letIn().then(() => location.reload());
      card.turn.state = failure(error.kind, error.message);
      this.accept(card, card.turn.state);
    }
    this.history.save(card.turn);
    this.follow();
  }

  async take(card, state) {
    if (state.id) this.cards.set(card.turn.id = state.id, card);
    else card.turn.state = state;
    this.accept(card, state);
    if (card.live && this.stream.source) await this.read(card);
  }

  // The stream may have told of the end already; then an older state is no news.
  accept(card, state) {
    if (card.live) this.show(card, state);
  }

  receive(state) {
    const card = this.cards.get(state.id);
    if (card) this.accept(card, state);
    this.follow();
  }

  show(card, state) {
    card.show(state);
    announce(state);
  }

  follow() {
    if ([...this.cards.values()].some((card) => card.live)) return this.stream.open();
    this.stream.close();
    this.tell("");
  }

  async connected() {
    this.tell("");
    await Promise.all([...this.cards.values()].filter((card) => card.live).map((card) => this.read(card)));
    this.follow();
  }

  async cancel(card) {
    try {
      await api.cancel(card.turn.id);
    } catch (error) {
      card.uncancel();
      this.refuse(error.message);
    }
  }

  edit({ line, opened }, entries = []) {
    if (opened) return this.open(opened, line);
    if (entries.length) this.composer.attachments.put(entries.map((entry) => entry.file));
    this.write(line);
  }

  attach(file) {
    this.composer.attachments.add([file]);
    this.write();
  }

  write(line) {
    if (line === undefined) find("line").focus();
    else this.composer.put(line);
  }

  refuse(message) {
    find("hint").replaceChildren(el("span", { class: "bad", role: "alert" }, message));
  }

  tell(message) {
    find("link").textContent = message;
  }

  clear() {
    if (!confirm(t("Forget this list in this browser? Pictures stay on the server."))) return;
    this.history.clear();
    this.cards.clear();
    this.shown.clear();
    find("turns").replaceChildren();
    this.tidy();
    this.follow();
  }
}

const alike = (one, other) => one.id === other.id && one.state?.text === other.state?.text;

const failure = (kind, message) => ({ id: null, state: "failed", text: message, fraction: null, error: { kind, message }, result: null });

async function boot() {
  try {
    return await api.about();
  } catch (error) {
    if (error.status !== 401) throw error;
    await letIn();
    return api.about();
  }
}

speak(navigator.language);
const about = await boot();
speak(about.language);
await new Page(about).start();

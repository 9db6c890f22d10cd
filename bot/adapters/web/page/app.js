// The page: starts from the server's declarations, sends lines, keeps the turns and follows the live jobs.

import * as api from "./api.js";
import { announce } from "./announce.js";
import { Card, failedState } from "./card.js";
import { Composer } from "./composer.js";
import { el, find } from "./dom.js";
import { History, isSameTurn } from "./history.js";
import { Lightbox } from "./lightbox.js";
import { loadPageData, signIn } from "./login.js";
import { asFile } from "./media.js";
import { refresh } from "./refresh.js";
import { Scroll } from "./scroll.js";
import { Stream } from "./stream.js";
import { setLanguage, t } from "./i18n.js";
import { addIdeas, updateWelcome } from "./welcome.js";

class Page {
  constructor({ commands, file_bytes: bound }) {
    this.commands = commands;
    this.cards = new Map();
    this.shown = new Map();
    this.history = new History(() => this.syncTabs());
    this.lightbox = new Lightbox();
    this.stream = new Stream({
      receive: (state) => this.receive(state),
      opened: () => this.connected(),
      lost: () => this.showStatus(t("Connection lost. Reconnecting…")),
    });
    this.composer = new Composer({
      commands, bound,
      send: (line, pairs, entries) => this.send(line, pairs, entries),
      refuse: (message) => this.showError(message),
      last: () => this.history.last(),
    });
    find("clear").addEventListener("click", () => this.clear());
    this.scroll = new Scroll(find("log"), find("turns"));
  }

  async start() {
    addIdeas((idea) => this.composer.setLine(idea));
    updateWelcome();
    const restored = this.history.turns.map((turn) => this.restore(turn));
    this.focusInput();
    await Promise.all(restored);
    this.updateStream();
  }

  async restore(turn) {
    const card = this.addCard(turn, "…");
    if (turn.state) return card.show(turn.state);
    this.cards.set(turn.id, card);
    await this.refresh(card, (state) => card.show(state));
  }

  // Without an answer the end of the job may be missed, as the stream sends live jobs only. Opening it reads all states.
  async refresh(card, show = (state) => this.show(card, state)) {
    await refresh(card, show, (message) => {
      this.showStatus(message);
      if (this.stream.source) this.stream.reconnect();
    });
  }

  addCard(turn, text, entries = []) {
    if (!turn.key) this.history.add(turn);
    const card = new Card(turn, this, text, entries);
    this.shown.set(turn.key, card);
    find("turns").append(card.node);
    updateWelcome();
    this.scroll.toEnd();
    return card;
  }

  async send(line, pairs, entries) {
    const turn = { line, files: entries.map((entry) => entry.file.name) };
    const card = this.addCard(turn, t("Sending…"), entries);
    await this.awaitAnswer(card, api.sendLine(line, pairs));
  }

  async clickButton(button, card) {
    if (button.withdraws) return this.deleteCard(button, card);
    if (button.replaces) return this.replaceCard(button, card);
    if (button.edit !== null) return this.openText(button, button.edit);
    const added = this.addCard({ line: card.turn.line, label: button.label, files: [] }, t("Sending…"));
    await this.awaitAnswer(added, api.clickButton(button));
  }

  // Opens the button's text in the message box. Sending it counts as the click.
  openText(button, text) {
    this.composer.edit(text, button, (edited) => this.sendEdited(button, edited));
  }

  async sendEdited(button, text) {
    const turn = { line: text, label: button.label, opened: button, files: [] };
    await this.awaitAnswer(this.addCard(turn, t("Sending…")), api.clickButton(button, text));
  }

  // Shows the answer in place of the card with the button. An error leaves the card as it is; further clicks are ignored.
  async replaceCard(button, card) {
    if (card.isBusy) return;
    card.isBusy = true;
    try {
      const state = await api.clickButton(button);
      this.cards.delete(card.turn.id);
      delete card.turn.id;
      delete card.turn.state;
      card.reset(t("Sending…"));
      await this.applyAnswer(card, state);
      for (const id of state.then ?? []) this.showJob(id, card.turn.line);
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      return this.showError(error.message);
    } finally {
      card.isBusy = false;
    }
    this.updateStream();
  }

  // Shows a job that an answer created, in a card of its own.
  async showJob(id, line) {
    await this.awaitAnswer(this.addCard({ line, files: [] }, t("Sending…")), api.jobState(id));
  }

  async deleteCard(button, card) {
    if (card.isBusy) return;
    card.isBusy = true;
    try {
      await api.clickButton(button);
    } catch (error) {
      card.isBusy = false;
      return this.showError(error.message);
    }
    this.history.remove(card.turn);
    this.removeCard(card);
    this.focusInput();
  }

  removeCard(card) {
    this.cards.delete(card.turn.id);
    this.shown.delete(card.turn.key);
    card.node.remove();
    updateWelcome();
  }

  // Shows what another tab has sent, removed or replaced. All cards are added before anything is awaited, because the
  // other tab may change the conversation again meanwhile.
  async syncTabs() {
    for (const card of [...this.shown.values()]) if (this.history.wasRemoved(card.turn)) this.removeCard(card);
    const changed = this.history.turns.filter((turn) => !isSameTurn(turn, this.shown.get(turn.key)?.turn ?? {}));
    await Promise.all(changed.map((turn) => {
      const card = this.shown.get(turn.key);
      if (card) this.removeCard(card);
      return this.restore(turn);
    }));
    this.updateStream();
  }

  // Shows the answer or the failure of a request in the card.
  async awaitAnswer(card, answer) {
    try {
      await this.applyAnswer(card, await answer);
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      if (error.status === 401) return signIn().then(() => location.reload());
      await this.applyAnswer(card, failedState(error.kind, error.message));
    }
    this.updateStream();
  }

  // Saves the turn before anything is awaited, so that a reload does not lose it. A card that was cleared stays away.
  async applyAnswer(card, state) {
    if (this.shown.get(card.turn.key) !== card) return;
    if (state.id) this.cards.set(card.turn.id = state.id, card);
    else card.turn.state = state;
    this.history.save(card.turn);
    this.accept(card, state);
    if (card.live && this.stream.source) await this.refresh(card);
  }

  // Shows a state, unless the stream has already delivered the end of the job.
  accept(card, state) {
    if (card.live) this.show(card, state);
  }

  receive(state) {
    const card = this.cards.get(state.id);
    if (card) this.accept(card, state);
    this.updateStream();
  }

  show(card, state) {
    card.show(state);
    announce(state);
  }

  // Keeps the event stream open while a job is live.
  updateStream() {
    if ([...this.cards.values()].some((card) => card.live)) return this.stream.open();
    this.stream.close();
    this.showStatus("");
  }

  async connected() {
    this.showStatus("");
    await Promise.all([...this.cards.values()].filter((card) => card.live).map((card) => this.refresh(card)));
    if (this.stream.source) this.updateStream();
  }

  async cancel(card) {
    try {
      await api.cancel(card.turn.id);
    } catch (error) {
      card.resetCancel();
      this.showError(error.message);
    }
  }

  edit({ line, opened }, entries = []) {
    if (opened) return this.openText(opened, line);
    if (entries.length) this.composer.attachments.replace(entries.map((entry) => entry.file));
    this.focusInput(line);
  }

  async attach(media) {
    const file = await asFile(media).catch(() => null);
    if (!file) return this.showError(t("This picture is no longer available."));
    this.composer.attachments.add([file]);
    this.focusInput();
  }

  // Focuses the message box, with `line` in it where one is given.
  focusInput(line) {
    if (line === undefined) find("line").focus();
    else this.composer.setLine(line);
  }

  showError(message) {
    find("hint").replaceChildren(el("span", { class: "bad", role: "alert" }, message));
  }

  showStatus(message) {
    find("link").textContent = message;
  }

  clear() {
    if (!confirm(t("Clear this conversation? Your pictures stay on the server, but you won't be able to reach them from here."))) return;
    this.history.clear();
    this.cards.clear();
    this.shown.clear();
    find("turns").replaceChildren();
    updateWelcome();
    this.updateStream();
  }
}

setLanguage(navigator.language);
const data = await loadPageData();
setLanguage(data.language);
await new Page(data).start();

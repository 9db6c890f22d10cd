// The files of a result: pictures that open in the lightbox, players and download links.

import { el, icon, formatBytes } from "./dom.js";
import { t } from "./i18n.js";

const kindOf = (media) => media.mime.split("/")[0];

// `title` is the pictures' alternative text.
export function gallery(media, title, lightbox) {
  const pictures = media.filter((each) => kindOf(each) === "image")
    .map((each, index, all) => ({ ...each, alt: all.length > 1 ? `${title} (${index + 1})` : title }));
  const items = media.map((each) => {
    if (kindOf(each) !== "image") return player(each);
    const index = pictures.findIndex((picture) => picture.url === each.url);
    return picture(pictures, index, lightbox);
  });
  return el("div", { class: media.length > 1 ? "gallery many" : "gallery" }, ...items);
}

function picture(pictures, index, lightbox) {
  const { url, alt, width, height } = pictures[index];
  const showMissing = () => button.replaceWith(el("p", { class: "soft" }, t("This picture is no longer available.")));
  const image = el("img", { src: url, alt, width, height, loading: "lazy", decoding: "async", onerror: showMissing });
  const button = el("button", { type: "button", class: "picture", onclick: () => lightbox.show(pictures, index),
    "aria-label": t("Enlarge picture {number} of {count}: {alt}", { number: index + 1, count: pictures.length, alt }) }, image);
  return button;
}

function player(media) {
  if (kindOf(media) === "video") return el("video", { src: media.url, controls: true, preload: "metadata" });
  if (kindOf(media) === "audio") return el("audio", { src: media.url, controls: true, preload: "metadata" });
  return el("a", { class: "file", href: media.url, download: media.name }, icon("file"), `${media.name} · ${formatBytes(media.bytes)}`);
}

export function downloads(media) {
  return media.map((each, index) => el("a", { class: "action", href: each.url, download: each.name },
    icon("download"), media.length > 1 ? t("Download {number}", { number: index + 1 }) : t("Download")));
}

// Fetches a file of a result as a File that can be sent. Throws if it is no longer there.
export async function asFile(media) {
  const response = await fetch(media.url);
  if (!response.ok) throw new Error(`status ${response.status}`);
  return new File([await response.blob()], media.name, { type: media.mime });
}

// What was made, as a person sees and takes it: pictures that open large, players, files.

import { el, icon, sized } from "./dom.js";
import { t } from "./words.js";

const kind = (media) => media.mime.split("/")[0];

// `title` is what a picture is called for those who do not see it.
export function gallery(media, title, lightbox) {
  const pictures = media.filter((each) => kind(each) === "image")
    .map((each, index, all) => ({ ...each, alt: all.length > 1 ? `${title} (${index + 1})` : title }));
  const shown = media.map((each) => {
    if (kind(each) !== "image") return player(each);
    const index = pictures.findIndex((picture) => picture.url === each.url);
    return picture(pictures, index, lightbox);
  });
  return el("div", { class: media.length > 1 ? "gallery many" : "gallery" }, ...shown);
}

function picture(pictures, index, lightbox) {
  const { url, alt, width, height } = pictures[index];
  const gone = () => shown.replaceWith(el("p", { class: "soft" }, t("This picture cannot be shown: it is no longer kept here.")));
  const image = el("img", { src: url, alt, width, height, loading: "lazy", decoding: "async", onerror: gone });
  const shown = el("button", { type: "button", class: "picture", onclick: () => lightbox.show(pictures, index),
    "aria-label": t("See picture {number} of {count} large", { number: index + 1, count: pictures.length }) + `: ${alt}` }, image);
  return shown;
}

function player(media) {
  if (kind(media) === "video") return el("video", { src: media.url, controls: true, preload: "metadata" });
  if (kind(media) === "audio") return el("audio", { src: media.url, controls: true, preload: "metadata" });
  return el("a", { class: "file", href: media.url, download: media.name }, icon("file"), `${media.name} · ${sized(media.bytes)}`);
}

export function downloads(media) {
  return media.map((each, index) => el("a", { class: "action", href: each.url, download: each.name },
    icon("download"), media.length > 1 ? `${t("Download")} ${index + 1}` : t("Download")));
}

// The made file again, as one that can be sent.
export async function asFile(media) {
  const response = await fetch(media.url);
  return new File([await response.blob()], media.name, { type: media.mime });
}

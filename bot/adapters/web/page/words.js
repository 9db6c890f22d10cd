// What the page says: English where it is used, Spanish here under it. The answers themselves come from the server in words.

const SPANISH = {
  "Attach files": "Adjuntar archivos",
  "Attached files": "Archivos adjuntos",
  "A red apple, or / for commands": "Una manzana roja, o / para los comandos",
  "Cancelling…": "Cancelando…",
  "Change it and send it. Escape leaves it.": "Cámbialo y envíalo. Escape lo deja.",
  "Clear": "Vaciar",
  "Close": "Cerrar",
  "Come in": "Entrar",
  "Conversation": "Conversación",
  "Download": "Descargar",
  "Drop the files here": "Suelta los archivos aquí",
  "Edit": "Editar",
  "Forget this list in this browser? Pictures stay on the server.":
    "¿Olvidar esta lista en este navegador? Las imágenes siguen en el servidor.",
  "Its owner set a token. Give it once; this browser keeps the door open.":
    "Su dueño puso una clave. Escríbela una vez; este navegador la recordará.",
  "Made": "Hecho",
  "Message": "Mensaje",
  "New message": "Mensaje nuevo",
  "Next": "Siguiente",
  "No connection. Trying again…": "Sin conexión. Reintentando…",
  "Picture, large": "Imagen, en grande",
  "Previous": "Anterior",
  "Remove {name}": "Quitar {name}",
  "See picture {number} of {count} large": "Ver en grande la imagen {number} de {count}",
  "Send": "Enviar",
  "Sending…": "Enviando…",
  "Skip to the message box": "Ir al cuadro de mensaje",
  "Suggestions": "Sugerencias",
  "The picture so far": "La imagen hasta ahora",
  "The server cannot be reached. Check that Atelier runs, then send it again.":
    "No se puede llegar al servidor. Comprueba que Atelier funciona y envíalo otra vez.",
  "The server no longer knows this one.": "El servidor ya no conoce este trabajo.",
  "This studio has a key": "Este estudio tiene llave",
  "This picture cannot be shown: it is no longer kept here.": "Esta imagen no se puede mostrar: ya no se guarda aquí.",
  "Token": "Clave",
  "Use as input": "Usar como entrada",
  "What shall we make?": "¿Qué hacemos?",
  "Write what you want to see, or type / for every command. Drop, paste or attach files where a command takes them.":
    "Escribe lo que quieres ver, o / para todos los comandos. Suelta, pega o adjunta archivos donde un comando los admita.",
  "Write it and send it. Escape leaves it.": "Escríbelo y envíalo. Escape lo deja.",
  "{command} takes no more files than {count}; “{name}” has no place. Remove it.":
    "{command} no admite más de {count} archivos; «{name}» no tiene sitio. Quítalo.",
  "{name} has {size}; at most {bound} are allowed. Choose a smaller file.":
    "{name} tiene {size}; se admiten {bound} como mucho. Elige un archivo más pequeño.",
  "{option} is required": "{option} es obligatorio",
  "{percent} percent": "{percent} por ciento",
};

let language = "en";

export const supported = (tag) => (tag || "").toLowerCase().startsWith("es") ? "es" : "en";

export function speak(tag) {
  language = supported(tag);
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of document.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
}

export function t(template, facts = {}) {
  const words = language === "es" ? SPANISH[template] ?? template : template;
  return words.replace(/\{(\w+)\}/g, (_, name) => facts[name]);
}

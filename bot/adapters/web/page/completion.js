// What could stand at the caret, read from the server's declarations. Pure: text and caret in, suggestions out.

// The command that a line means; without a name it is the default one.
export function commandOf(text, commands) {
  const named = /^\s*\/([^\s@]*)/.exec(text);
  return commands.find((command) => named ? command.name === named[1].toLowerCase() : command.default);
}

// {start, end, items: [{value, label, description}], option}; `option` is the one whose value is being written.
export function suggest(text, caret, commands) {
  const before = text.slice(0, caret);
  const word = /\S*$/.exec(before)[0];
  const start = caret - word.length;
  const place = { start, end: caret, items: [], option: null };
  if (/^\s*\/\S*$/.test(before)) return { ...place, items: commandItems(word.slice(1), commands) };
  const command = commandOf(text, commands);
  if (!command) return place;
  if (word.startsWith("--")) return { ...place, items: optionItems(word.slice(2), text, command) };
  const option = optionAt(before.slice(0, start), command);
  return { ...place, option, items: valueItems(word, option) };
}

// The text with `item` put in, and where the caret then stands.
export function complete(text, { start, end }, item) {
  const rest = text.slice(end);
  const gap = rest.startsWith(" ") ? "" : " ";
  return { text: text.slice(0, start) + item.value + gap + rest, caret: start + item.value.length + 1 };
}

// The options of a command in one line: [{text, current}].
export function usage(command, option) {
  return command.options.map((each) => ({ text: shape(each), current: each === option, required: each.required }));
}

// What an option is and, of a number, its bounds: "How many pictures · 1 – 4".
export function explained(option) {
  const bounded = isNumber(option) && option.minimum !== null && option.maximum !== null;
  return bounded ? `${option.description} · ${option.minimum} – ${option.maximum}` : option.description;
}

const isNumber = (option) => option.kind === "integer" || option.kind === "number";

function shape(option) {
  if (option.kind === "media") return `[${option.name}]`;
  if (option.rest) return `${option.name}…`;
  if (option.positional) return option.choices.length ? option.choices.join("|") : option.name;
  return option.choices.length ? `--${option.name} ${option.choices.join("|")}` : `--${option.name}`;
}

function commandItems(prefix, commands) {
  return commands
    .filter((command) => command.name.startsWith(prefix.toLowerCase()))
    .map((command) => ({ value: `/${command.name}`, label: `/${command.name}`, description: command.description }));
}

function optionItems(prefix, text, command) {
  return command.options
    .filter((option) => option.kind !== "media" && !option.rest && option.name.startsWith(prefix.toLowerCase()))
    .filter((option) => option.name === prefix || !new RegExp(`--${option.name}(\\s|=|$)`).test(text))
    .map((option) => ({
      value: `--${option.name}`,
      label: `--${option.name}`,
      description: explained(option),
    }));
}

function optionAt(before, command) {
  const words = before.trim().split(/\s+/).filter((word, index) => word && !(index === 0 && word.startsWith("/")));
  const last = words.at(-1) ?? "";
  const named = last.startsWith("--") && command.options.find((option) => option.name === last.slice(2));
  if (named && named.kind !== "flag") return named;
  const bare = words.filter((word, index) => !word.startsWith("--") && !takesValue(words[index - 1], command)).length;
  return command.options.filter((option) => option.positional)[bare] ?? command.options.find((option) => option.rest) ?? null;
}

const takesValue = (word, command) =>
  (word ?? "").startsWith("--") && command.options.some((option) => option.name === word.slice(2) && option.kind !== "flag");

function valueItems(prefix, option) {
  return (option?.choices ?? [])
    .map(String)
    .filter((choice) => choice.startsWith(prefix))
    .map((choice) => ({ value: choice, label: choice, description: "" }));
}

"""What each method of the Bot API does to the chats. Refusals use the real server's texts where it has them."""

import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.servers.telegram.chats import EVERYBODY, Box, Json, Refused, Room, Upload, photo_sizes, stored

if TYPE_CHECKING:
    from tests.servers.telegram.server import TelegramServer

MAX_TEXT, MAX_CAPTION, MAX_CALLBACK_DATA, MAX_DOWNLOAD = 4096, 1024, 64, 20 * 1024 * 1024
DELETABLE_SECONDS = 48 * 3600
FILES = ("photo", "video", "animation", "document")
ADMIN_RIGHTS = (
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)
CHANGEABLE = ("text", "entities", "caption", *FILES, "reply_markup")
Method = Callable[["TelegramServer", Json], Awaitable[Any]]


async def get_me(server: "TelegramServer", _: Json) -> Json:
    return server.me


async def get_updates(server: "TelegramServer", form: Json) -> list[Json]:
    return await server.take_updates(
        int(form.get("offset", 0)), int(form.get("limit", 100)), float(form.get("timeout", 0))
    )


async def delete_webhook(_server: "TelegramServer", _: Json) -> bool:
    return True


async def set_my_commands(server: "TelegramServer", form: Json) -> bool:
    server.commands[_menu(server, form)] = json.loads(form["commands"])
    return True


async def get_my_commands(server: "TelegramServer", form: Json) -> list[Json]:
    return server.commands.get(_menu(server, form), [])


def _menu(server: "TelegramServer", form: Json) -> str:
    """Return the name of a menu: its language, after the chat if its scope is one chat, which has to exist:
    https://core.telegram.org/bots/api#botcommandscope.
    """
    scope, language = json.loads(form.get("scope", "{}")), form.get("language_code", "")
    if scope.get("type", "default") == "default":
        return str(language)
    _place(server, scope)
    return f"{scope['chat_id']}/{language}"


async def set_my_description(server: "TelegramServer", form: Json) -> bool:
    server.words["description", form.get("language_code", "")] = form.get("description", "")
    return True


async def get_my_description(server: "TelegramServer", form: Json) -> Json:
    return {"description": server.words.get(("description", form.get("language_code", "")), "")}


async def set_my_short_description(server: "TelegramServer", form: Json) -> bool:
    server.words["short_description", form.get("language_code", "")] = form.get("short_description", "")
    return True


async def get_my_short_description(server: "TelegramServer", form: Json) -> Json:
    return {"short_description": server.words.get(("short_description", form.get("language_code", "")), "")}


async def get_chat_administrators(server: "TelegramServer", form: Json) -> list[Json]:
    """Return the owner and the admins of a group, whoever asks: https://core.telegram.org/bots/api."""
    room = _place(server, form)
    if room.kind == "private":
        raise Refused("Bad Request: there are no administrators in the private chat")
    rights = dict.fromkeys(ADMIN_RIGHTS, False)
    return [{"status": "administrator", "user": user, "can_be_edited": False, **rights} for user in room.admins]


async def send_chat_action(server: "TelegramServer", form: Json) -> bool:
    _place(server, form).actions.append(form["action"])
    return True


async def send_message(server: "TelegramServer", form: Json) -> Json:
    return _post(server, form, {"text": _text(form), **_entities(form)})


async def send_photo(server: "TelegramServer", form: Json) -> Json:
    return _post(server, form, {"photo": _photo(server, form, form["photo"]), **_caption(form)})


async def send_document(server: "TelegramServer", form: Json) -> Json:
    return _post(server, form, {"document": _document(server, form, form["document"]), **_caption(form)})


async def send_video(server: "TelegramServer", form: Json) -> Json:
    return _post(server, form, {"video": _film(server, form, form, "video"), **_caption(form)})


async def send_animation(server: "TelegramServer", form: Json) -> Json:
    return _post(server, form, {**_animation(server, form, form, "animation"), **_caption(form)})


async def send_media_group(server: "TelegramServer", form: Json) -> list[Json]:
    media_of = json.loads(form["media"])
    kinds = {media["type"] for media in media_of}
    if not kinds <= {"photo", "video"} and kinds not in ({"document"}, {"audio"}):
        raise Refused("Bad Request: can't use the media of the specified type in the album")
    contents = [_content(server, form, media) for media in media_of]
    group = {"media_group_id": str(server.next_message_id())}
    return [_post(server, form, {**content, **group}) for content in contents]


async def edit_message_text(server: "TelegramServer", form: Json) -> Json:
    message = _mine(server, form)
    if "text" not in message:
        raise Refused("Bad Request: there is no text in the message to edit")
    return _edit(form, message, {"text": _text(form), **_entities(form)})


async def edit_message_caption(server: "TelegramServer", form: Json) -> Json:
    message = _mine(server, form)
    if "text" in message:
        raise Refused("Bad Request: there is no caption in the message to edit")
    return _edit(form, message, {**_kept(message, *FILES), **_caption(form)})


async def edit_message_media(server: "TelegramServer", form: Json) -> Json:
    message = _mine(server, form)
    return _edit(form, message, _content(server, form, json.loads(form["media"])))


async def edit_message_reply_markup(server: "TelegramServer", form: Json) -> Json:
    message = _mine(server, form)
    return _edit(form, message, _kept(message, "text", "entities", "caption", *FILES))


async def delete_message(server: "TelegramServer", form: Json) -> bool:
    room, number = _place(server, form), int(form["message_id"])
    if number not in room.messages:
        raise Refused("Bad Request: message to delete not found")
    _check_age(room.messages[number])
    del room.messages[number]
    return True


async def delete_messages(server: "TelegramServer", form: Json) -> bool:
    room = _place(server, form)
    numbers = [number for number in json.loads(form["message_ids"]) if number in room.messages]
    for number in numbers:
        _check_age(room.messages[number])
    for number in numbers:
        del room.messages[number]
    return True


def _check_age(message: Json) -> None:
    """Refuse to delete a message after 48 hours: https://core.telegram.org/bots/api#deletemessage."""
    if message["date"] < time.time() - DELETABLE_SECONDS:
        raise Refused("Bad Request: message can't be deleted for everyone")


async def answer_callback_query(server: "TelegramServer", form: Json) -> bool:
    if server.queries.get(form["callback_query_id"], "gone") is not None:
        raise Refused("Bad Request: query is too old and response timeout expired or query ID is invalid")
    server.queries[form["callback_query_id"]] = form.get("text", "")
    return True


async def get_file(server: "TelegramServer", form: Json) -> Json:
    file = server.files.get(form["file_id"])
    if file is None:
        raise Refused("Bad Request: invalid file_id")
    if server.local is None:
        if len(file.data) > MAX_DOWNLOAD:
            raise Refused("Bad Request: file is too big")
        path = file.name
    else:
        target = server.local / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        path = str(target)
    return {name: value for name, value in file.shown().items() if name not in ("width", "height")} | {
        "file_path": path
    }


def _place(server: "TelegramServer", form: Json) -> Room:
    room = server.rooms.get(int(form["chat_id"]))
    if room is None:
        raise Refused("Bad Request: chat not found")
    if room.barred:
        raise Refused(f"Forbidden: {room.barred}", 403)
    return room


def _mine(server: "TelegramServer", form: Json) -> Json:
    message = _place(server, form).messages.get(int(form["message_id"]))
    if message is None:
        raise Refused("Bad Request: message to edit not found")
    if message["from"] != server.me:
        raise Refused("Bad Request: message can't be edited")
    return message


def _post(server: "TelegramServer", form: Json, content: Json) -> Json:
    room = _place(server, form)
    thread = int(form["message_thread_id"]) if "message_thread_id" in form else None
    if thread and thread not in room.topics:
        raise Refused("Bad Request: message thread not found")
    reply = json.loads(form.get("reply_parameters", "{}"))
    answered = reply.get("message_id")
    if answered not in (None, *room.messages):
        if not reply.get("allow_sending_without_reply"):
            raise Refused("Bad Request: message to be replied not found")
        answered = None
    message = room.add(server.me, {**content, **_markup(form)}, thread, answered)
    _open_boxes(room, message, json.loads(form.get("reply_markup", "{}")))
    return message


def _open_boxes(room: Room, message: Json, markup: Json) -> None:
    """Open the reply box of the people that a ForceReply is for: with `selective`, those who are mentioned and the
    author of the message that it replies to: https://core.telegram.org/bots/api#forcereply.
    """
    if not markup.get("force_reply"):
        return
    mentioned = {entity["user"]["id"] for entity in message.get("entities", []) if entity["type"] == "text_mention"}
    author = message.get("reply_to_message", {}).get("from", {})
    people = mentioned | ({author["id"]} if author and not author["is_bot"] else set())
    if room.kind == "private" or not markup.get("selective"):
        people = {room.id} if room.kind == "private" else {EVERYBODY}
    room.boxes[message["message_id"]] = Box(frozenset(people), markup.get("input_field_placeholder", ""))


def _edit(form: Json, message: Json, content: Json) -> Json:
    """Replace the content of a message, as everybody in the chat sees it."""
    fresh = {**content, **_markup(form)}
    if fresh == _kept(message, *CHANGEABLE):
        raise Refused(
            "Bad Request: message is not modified: specified new message content and reply markup are "
            "exactly the same as a current content and reply markup of the message"
        )
    for name in CHANGEABLE:
        message.pop(name, None)
    message.update(fresh, edit_date=message["date"])
    return message


def _kept(message: Json, *names: str) -> Json:
    return {name: message[name] for name in names if name in message}


def _markup(form: Json) -> Json:
    if "reply_markup" not in form:
        return {}
    markup = json.loads(form["reply_markup"])
    for button in (button for row in markup.get("inline_keyboard", []) for button in row):
        if not 1 <= len(button.get("callback_data", "x").encode()) <= MAX_CALLBACK_DATA:
            raise Refused("Bad Request: BUTTON_DATA_INVALID")
    return {"reply_markup": markup} if markup.get("inline_keyboard") else {}


def _text(form: Json) -> str:
    text = str(form.get("text", "")).strip()
    if not text:
        raise Refused("Bad Request: message text is empty")
    if len(text) > MAX_TEXT:
        raise Refused("Bad Request: message is too long")
    return text


def _entities(form: Json) -> Json:
    """Return the entities as the real server stores them: a link without a valid address is dropped silently."""
    entities = [
        entity
        for entity in json.loads(form.get("entities", "[]"))
        if entity["type"] != "text_link" or urlsplit(entity.get("url", "")).scheme in ("http", "https", "tg")
    ]
    return {"entities": entities} if entities else {}


def _caption(form: Json) -> Json:
    caption = str(form.get("caption", "")).strip()
    if len(caption) > MAX_CAPTION:
        raise Refused("Bad Request: message caption is too long")
    return {"caption": caption} if caption else {}


def _content(server: "TelegramServer", form: Json, media: Json) -> Json:
    """Return a message's content from an InputMedia."""
    if media["type"] == "photo":
        return {"photo": _photo(server, form, media["media"]), **_caption(media)}
    if media["type"] == "document":
        return {"document": _document(server, form, media["media"]), **_caption(media)}
    if media["type"] == "video":
        return {"video": _film(server, form, media, "media"), **_caption(media)}
    if media["type"] == "animation":
        return {**_animation(server, form, media, "media"), **_caption(media)}
    raise Refused(f"Bad Request: this server has no {media['type']}")


def _uploaded(form: Json, source: str | Upload) -> Upload:
    data = source if isinstance(source, Upload) else form.get(source.removeprefix("attach://"))
    if not isinstance(data, Upload):
        raise Refused("Bad Request: wrong remote file identifier specified: wrong string length")
    return data


def _photo(server: "TelegramServer", form: Json, source: str | Upload) -> list[Json]:
    return [server.keep(size).shown() for size in photo_sizes(_uploaded(form, source))]


def _document(server: "TelegramServer", form: Json, source: str | Upload) -> Json:
    upload = _uploaded(form, source)
    kept = server.keep(stored(f"documents/{upload.name}", upload.mime, upload))
    return {**kept.shown(), "file_name": upload.name, "mime_type": upload.mime}


def _film(server: "TelegramServer", form: Json, declared: Json, name: str) -> Json:
    """Return a video or an animation with what the bot declares about it. The real server inspects the file too."""
    upload = _uploaded(form, declared[name])
    kept = server.keep(stored(f"videos/{upload.name}", upload.mime, upload))
    shape = {side: int(declared.get(side, 0)) for side in ("width", "height", "duration")}
    return {**kept.shown(), **shape, "file_name": upload.name, "mime_type": upload.mime}


def _animation(server: "TelegramServer", form: Json, declared: Json, name: str) -> Json:
    """Return the file as the real server shows it: also as a document, for programs older than animations."""
    film = _film(server, form, declared, name)
    sized = ("width", "height", "duration")
    return {"animation": film, "document": {key: value for key, value in film.items() if key not in sized}}


METHODS: dict[str, Method] = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "deleteWebhook": delete_webhook,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "setMyDescription": set_my_description,
    "getMyDescription": get_my_description,
    "setMyShortDescription": set_my_short_description,
    "getMyShortDescription": get_my_short_description,
    "sendChatAction": send_chat_action,
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendVideo": send_video,
    "sendAnimation": send_animation,
    "sendMediaGroup": send_media_group,
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageMedia": edit_message_media,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "answerCallbackQuery": answer_callback_query,
    "getFile": get_file,
    "getChatAdministrators": get_chat_administrators,
}

-- Commands that the managers of a server or group have turned off there.
CREATE TABLE commands_off (
    place    TEXT NOT NULL,
    command  TEXT NOT NULL,
    PRIMARY KEY (place, command)
) STRICT;

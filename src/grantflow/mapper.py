"""Turns entries into stored events and back: a topic that names no module, and JSON that a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from eventsourcing.persistence import JSONTranscoder, Mapper, MapperDeserialisationError, StoredEvent

from grantflow.domain import lifecycle
from grantflow.domain.event import EVENT_TYPES, Entry, Event, body_of

if TYPE_CHECKING:
    from eventsourcing.persistence import Cipher, Compressor

KNOWN = lifecycle.PHASES


class EventMapper(Mapper[UUID]):
    """The library's mapper with our topics (`application-submitted@1`) and msgspec's JSON.

    Compression and encryption stay the library's, configured as it says (COMPRESSOR_TOPIC, CIPHER_TOPIC).
    """

    def __init__(self, compressor: Compressor | None = None, cipher: Cipher | None = None) -> None:
        super().__init__(JSONTranscoder(), compressor, cipher)
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}

    def to_stored_event(self, domain_event: Any) -> StoredEvent:  # noqa: ANN401 - the library's protocol
        entry: Entry = domain_event
        state = body_of(entry.event)
        if self.compressor:
            state = self.compressor.compress(state)
        if self.cipher:
            state = self.cipher.encrypt(state)
        return StoredEvent(entry.originator_id, entry.originator_version, entry.event.topic, state)

    def to_domain_event(self, stored_event: StoredEvent) -> Entry:
        event = self.event(stored_event.topic, self.plain(stored_event.state))
        return Entry(stored_event.originator_id, stored_event.originator_version, event)  # type: ignore[arg-type]

    def plain(self, state: bytes) -> bytes:
        """The event's own bytes, decrypted and decompressed."""
        if self.cipher:
            state = self.cipher.decrypt(state)
        return self.compressor.decompress(state) if self.compressor else state

    def event(self, topic: str, body: bytes) -> Event:
        """The event of a topic from its JSON, brought up to its newest version.

        MapperDeserialisationError names the topic when it is unknown or the JSON does not fit it.
        """
        try:
            decoder = self._decoders.get(topic)
            if decoder is None:
                decoder = self._decoders[topic] = msgspec.json.Decoder(EVENT_TYPES[topic])
            event: Event = decoder.decode(body)
        except (KeyError, msgspec.DecodeError) as error:
            msg = f"An event of topic '{topic}' can't be read: {error}"
            raise MapperDeserialisationError(msg) from error
        return event.upcast()

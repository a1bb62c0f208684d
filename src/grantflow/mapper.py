"""Turns entries into stored events and back: topics that name no module, and JSON that a person can read."""

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
        """Make the entry a row: what is stored is what is hashed, unless it is compressed or encrypted."""
        entry: Entry = domain_event
        state = body_of(entry.event)
        if self.compressor:
            state = self.compressor.compress(state)
        if self.cipher:
            state = self.cipher.encrypt(state)
        return StoredEvent(entry.originator_id, entry.originator_version, entry.event.topic, state)

    def to_domain_event(self, stored_event: StoredEvent) -> Entry:
        """Read a row of the library's, which does not say where in the log it stands."""
        row = stored_event
        return self.entry(row.originator_id, row.originator_version, row.topic, row.state)  # type: ignore[arg-type]

    def entry(self, stream: UUID, version: int, topic: str, state: bytes, position: int = 0) -> Entry:
        """Read a row, the event brought up to its newest version.

        MapperDeserialisationError names the event when its topic is unknown or its state does not fit it.
        """
        try:
            event: Event = self._decoder(topic).decode(self.body(state))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            msg = f"Event {stream}.{version} of topic '{topic}' can't be read: {reason}"
            raise MapperDeserialisationError(msg) from error
        return Entry(stream, version, event.upcast(), position)

    def body(self, state: bytes) -> bytes:
        """What was hashed of a row when it was stored: its state, decrypted and decompressed."""
        if self.cipher:
            state = self.cipher.decrypt(state)
        if self.compressor:
            state = self.compressor.decompress(state)
        return state

    def _decoder(self, topic: str) -> msgspec.json.Decoder[Any]:
        decoder = self._decoders.get(topic)
        if decoder is None:
            decoder = self._decoders[topic] = msgspec.json.Decoder(EVENT_TYPES[topic])
        return decoder

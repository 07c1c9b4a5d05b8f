extension GameEvents {
    /// What the events are like; together with an event's number this decides its bytes.
    package struct Options: Sendable {
        /// 2026-03-01T00:00:00Z, in milliseconds since 1970.
        package static let startDefault: Int64 = 1_772_323_200_000

        /// Chooses the events; two seeds show the same players and items on two different days.
        var seed: UInt64
        /// How many players there are, 1 to 2^31.
        var users: UInt64
        /// How many items there are, 1 to 2^31. Of 675,000 about 470,000 occur in 2,000,000 events.
        var items: UInt64
        /// Event time of the first event before it is delayed, in milliseconds since 1970.
        package var start: Int64
        /// How many events happen in one second of event time, at least 1.
        package var eventsPerSecond: UInt64
        /// The share of malformed events in units of 2^-32; 2^32 makes all of them malformed.
        var malformedShare: UInt64

        /// Options; 10,000 events a second of a quarter of a million players unless told otherwise.
        package init(
            seed: UInt64 = 1, users: UInt64 = 250_000, items: UInt64 = 675_000, start: Int64 = Options.startDefault,
            eventsPerSecond: UInt64 = 10_000, malformedShare: UInt64 = 0
        ) {
            self.seed = seed
            self.users = users
            self.items = items
            self.start = start
            self.eventsPerSecond = eventsPerSecond
            self.malformedShare = malformedShare
        }

        /// The given share, 0 to 1, in the units of ``malformedShare``.
        package static func malformedShare(of fraction: Double) -> UInt64 {
            UInt64((fraction * 4_294_967_296).rounded())
        }
    }
}

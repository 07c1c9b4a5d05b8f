/// What stays the same about one player from event to event, worked out from the player's rank each time: nothing is
/// remembered, and two seeds show two days of the same players.
struct Player {
    /// One player in 1,024 has no account; the hyphen in a guest's id is written as an escape in every other event.
    let isGuest: Bool
    let id: UInt32
    let country: StaticString
    let platform: StaticString
    let version: StaticString
    let name: StaticString
    let nameNumber: UInt64
    let level: UInt64

    /// - Parameter rank: 1 is the most active player.
    @inline(__always)
    init(rank: UInt32, vocabulary: borrowing Vocabulary) {
        var random = EventRandom(seed: 0x706c_6179_6572, index: UInt64(rank))
        id = EventRandom.mix32(rank)
        country = vocabulary.countries.pick(random.next())
        platform = vocabulary.platforms.pick(random.next())
        version = vocabulary.versions.pick(random.next())
        name = vocabulary.names.pick(random.next())
        let bits = random.next()
        isGuest = bits & 1023 == 0
        nameNumber = (bits >> 10) & 1023
        // The product of two uniform numbers: many beginners, few at level 100.
        level = 1 &+ ((((bits >> 20) & 1023) &* ((bits >> 30) & 1023)) &* 100) >> 20
    }
}

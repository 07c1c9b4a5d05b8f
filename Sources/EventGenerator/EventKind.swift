/// One kind of event: how frequent it is, how long it takes and what it carries.
struct EventKind: Sendable {
    /// What an event's payload holds beside the player's name.
    enum Payload: Sendable {
        case session, combat, progress, store, chat
    }

    /// From after the timestamp to before the user.
    let opening: StaticString
    /// How often, compared to the others.
    let weight: UInt64
    /// The middle of `duration_ms` as a power of two (in 1/65,536), or nil when events of this kind take no time.
    let durationMedian: Int?
    let hasItem: Bool
    let hasRevenue: Bool
    let payload: Payload

    private init(
        _ opening: StaticString, weight: UInt64, durationMedian: Int?, hasItem: Bool = true, hasRevenue: Bool = false,
        payload: Payload
    ) {
        self.opening = opening
        self.weight = weight
        self.durationMedian = durationMedian
        self.hasItem = hasItem
        self.hasRevenue = hasRevenue
        self.payload = payload
    }

    /// Every kind there is. The medians are 2^18.2 ms (5 minutes) for a match and 2^8 ms for an item in use.
    static let all: [EventKind] = [
        EventKind(
            #"","event":"item_use","user":""#, weight: 300, durationMedian: 524_288, payload: .combat),
        EventKind(
            #"","event":"match_end","user":""#, weight: 220, durationMedian: 1_192_755, payload: .combat),
        EventKind(
            #"","event":"level_complete","user":""#, weight: 140, durationMedian: 1_114_112, payload: .progress),
        EventKind(
            #"","event":"level_fail","user":""#, weight: 90, durationMedian: 1_048_576, payload: .progress),
        EventKind(
            #"","event":"shop_view","user":""#, weight: 80, durationMedian: 851_968, payload: .store),
        EventKind(
            #"","event":"session_start","user":""#, weight: 60, durationMedian: nil, hasItem: false,
            payload: .session),
        EventKind(
            #"","event":"session_end","user":""#, weight: 50, durationMedian: 1_376_256, hasItem: false,
            payload: .session),
        EventKind(
            #"","event":"chat","user":""#, weight: 40, durationMedian: 786_432, hasItem: false, payload: .chat),
        EventKind(
            #"","event":"purchase","user":""#, weight: 20, durationMedian: 917_504, hasRevenue: true,
            payload: .store),
    ]
}

/// Makes the events of a game that does not exist, as JSON documents of about 340 bytes, one per line.
///
/// Event number n depends on the options and n alone: the same bytes on every machine, whichever events were made
/// before it and on whichever thread. All arithmetic is in integers. What makes the events like real ones: a few players
/// and items make most of them, players keep their country, platform and version, durations have a long tail, events
/// arrive seconds and now and then minutes late, fields are missing or null, and names hold escapes and many scripts.
package struct GameEvents: Sendable {
    /// No event is longer than this many bytes, its newline included.
    static let eventBytesMax = 1024

    /// What the events are like.
    package let options: Options
    private let users: SkewedRank
    private let items: SkewedRank
    private let kinds = EventKind.all
    private let kindRanks = AliasTable(weights: EventKind.all.map(\.weight))
    let vocabulary = Vocabulary()
    private let defects = Defect.all

    /// A generator for `options`.
    package init(_ options: Options) {
        self.options = options
        users = SkewedRank(count: options.users)
        items = SkewedRank(count: options.items)
    }

    /// Appends event number `index` and a newline.
    ///
    /// - Parameter index: from 0, below 2^48.
    package func append(event index: UInt64, into buffer: inout EventBuffer) {
        buffer.reserve(GameEvents.eventBytesMax)
        var random = EventRandom(seed: options.seed, index: index)
        let start = buffer.count
        let defect = pickDefect(&random)
        let kind = kinds[kindRanks.pick(random.next())]
        let player = Player(rank: users.pick(&random), vocabulary: vocabulary)
        let time = eventTime(index, &random)

        buffer.append(#"{"ts":""#)
        buffer.append(timestamp: time)
        buffer.append(kind.opening)
        appendUser(player, defect, &random, &buffer)
        appendSession(player, time, &buffer)
        appendSegments(player, &random, &buffer)
        appendMeasures(kind, player, defect, &random, &buffer)
        appendPayload(kind.payload, player, &random, &buffer)
        buffer.append("}\n")
        if let defect { apply(defect, since: start, &random, &buffer) }
    }

    /// Nearly always nil. A random number is used in any case, so that the other events do not change with the share of
    /// malformed ones.
    @inline(__always)
    private func pickDefect(_ random: inout EventRandom) -> Defect? {
        let bits = random.next()
        guard bits >> 32 < options.malformedShare else { return nil }
        return defects[Int(truncatingIfNeeded: bits & 0xffff_ffff) % defects.count]
    }

    /// When the event happened: events advance evenly, then each is up to 4 s late (1.4 s in the mean), and one in 1,024
    /// by 1 to 10 minutes.
    @inline(__always)
    private func eventTime(_ index: UInt64, _ random: inout EventRandom) -> Int64 {
        let bits = random.next()
        var late = min(bits & 4095, (bits >> 12) & 4095)
        if (bits >> 24) & 1023 == 0 { late = 60_000 &+ ((bits >> 34) &* 540_000) >> 30 }
        return options.start &+ Int64(index &* 1000 / options.eventsPerSecond) &- Int64(late)
    }

    @inline(__always)
    private func appendUser(
        _ player: Player, _ defect: Defect?, _ random: inout EventRandom, _ buffer: inout EventBuffer
    ) {
        if player.isGuest {
            buffer.append(random.next() & 1 == 0 ? "guest-" : #"guest\u002d"#)
        } else {
            buffer.append("u")
        }
        buffer.append(hex: player.id)
        if let defect { defect.appendToUser(&buffer) }
    }

    /// A session is a player's half hour; where it begins differs from player to player.
    @inline(__always)
    private func appendSession(_ player: Player, _ time: Int64, _ buffer: inout EventBuffer) {
        let halfHour = UInt64(time &+ Int64(player.id & 0xfffff)) / 1_800_000
        let session = EventRandom.mix(UInt64(player.id) &<< 32 ^ halfHour)
        buffer.append(#"","session":""#)
        buffer.append(hex: UInt32(truncatingIfNeeded: session))
        buffer.append(hex: UInt32(truncatingIfNeeded: session >> 32))
    }

    /// One event in 256 knows no country (null), one in 512 no platform (the field is missing).
    @inline(__always)
    private func appendSegments(_ player: Player, _ random: inout EventRandom, _ buffer: inout EventBuffer) {
        let bits = random.next()
        if (bits >> 8) & 511 != 0 {
            buffer.append(#"","platform":""#)
            buffer.append(player.platform)
        }
        if bits & 255 != 0 {
            buffer.append(#"","country":""#)
            buffer.append(player.country)
            buffer.append(#"","version":""#)
        } else {
            buffer.append(#"","country":null,"version":""#)
        }
        buffer.append(player.version)
        buffer.append(#"","level":"#)
        buffer.append(decimal: player.level)
    }

    @inline(__always)
    private func appendMeasures(
        _ kind: EventKind, _ player: Player, _ defect: Defect?, _ random: inout EventRandom,
        _ buffer: inout EventBuffer
    ) {
        if let text = defect?.duration {
            buffer.append(#","duration_ms":"#)
            buffer.append(text)
        } else if let median = kind.durationMedian {
            buffer.append(#","duration_ms":"#)
            buffer.append(decimal: GameEvents.duration(median: median, random.next()))
        }
        if kind.hasItem {
            let item = EventRandom.mix32(items.pick(&random) ^ 0x6974_656d)
            buffer.append(#","item":""#)
            buffer.append(vocabulary.itemKinds.pick(EventRandom.mix(UInt64(item))))
            buffer.append(hex: item)
            buffer.append(#"""#)
        }
        if kind.hasRevenue {
            let bits = random.next()
            let discount = bits & 7 == 0 ? (bits >> 8) & 63 : 0
            buffer.append(#","revenue":"#)
            buffer.append(hundredths: vocabulary.prices[vocabulary.priceRanks.pick(random.next())] &- discount)
            buffer.append(#","currency":""#)
            buffer.append(vocabulary.currencies.pick(random.next()))
            buffer.append(#"""#)
        }
    }

    /// A duration in milliseconds, distributed nearly like a lognormal one: 2^x, linear between powers of two, with x
    /// the sum of four uniform numbers (standard deviation 1.15: one in six takes more than twice the median).
    @inline(__always)
    private static func duration(median: Int, _ bits: UInt64) -> UInt64 {
        let lanes = (bits & 0x0000_ffff_0000_ffff) &+ ((bits >> 16) & 0x0000_ffff_0000_ffff)
        let sum = Int((lanes & 0xffff_ffff) &+ (lanes >> 32))
        let exponent = UInt64(max(0, median &+ 2 &* (sum &- 131_070)))
        return ((65_536 &+ (exponent & 0xffff)) &<< (exponent >> 16)) >> 16
    }

    private func apply(
        _ defect: Defect, since start: Int, _ random: inout EventRandom, _ buffer: inout EventBuffer
    ) {
        switch defect {
        case .truncated:
            buffer.truncate(to: start + 1 + Int(random.below(UInt64(buffer.count - start - 3))))
            buffer.append("\n")
        case .trailingGarbage:
            buffer.truncate(to: buffer.count - 1)
            buffer.append("}\n")
        case .notJSON:
            buffer.truncate(to: start)
            buffer.append("connection reset by peer\n")
        default:
            break
        }
    }
}

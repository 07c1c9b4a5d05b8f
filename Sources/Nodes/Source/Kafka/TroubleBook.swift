import Dataflow

/// What a source waits for, by what it is about: said when it begins, again while it lasts, and when it is over.
///
/// A value without clock or log: the moment goes in, what is to be said comes out.
struct TroubleBook {
    /// What a trouble is about, so that news of one thing does not take back another's.
    enum Subject: Hashable {
        case connection
        case security
        case group
        case topic(String)
        case partitions
        case halted
        case database
    }

    /// Something to say.
    enum News: Equatable {
        case began(String)
        case lasts(String, since: Duration)
        case over
    }

    private struct Trouble {
        var text: String
        var since: ContinuousClock.Instant
        var said: ContinuousClock.Instant
    }

    private var troubles: [Subject: Trouble] = [:]
    /// When something that is over was said last: what comes and goes is not said each time.
    private var recent: [Subject: ContinuousClock.Instant] = [:]
    private let interval: Duration

    /// - Parameter interval: how often what lasts is said again.
    init(interval: Duration = SourceLimits.troubleRepeat) { self.interval = interval }

    /// Whether all is well.
    var isEmpty: Bool { troubles.isEmpty }

    /// Whether there is trouble with something.
    func has(_ subject: Subject) -> Bool { troubles[subject] != nil }

    /// Something is in the way.
    mutating func met(_ subject: Subject, _ text: String, _ now: ContinuousClock.Instant) -> News? {
        if troubles[subject] != nil {
            troubles[subject]?.text = text
            return nil
        }
        let said = recent[subject]
        let isSaid = said.map { now - $0 < interval } ?? false
        troubles[subject] = Trouble(text: text, since: now, said: isSaid ? said ?? now : now)
        return isSaid ? nil : .began(text)
    }

    /// It is not in the way any more.
    mutating func over(_ subject: Subject, _ now: ContinuousClock.Instant) -> News? {
        guard let trouble = troubles.removeValue(forKey: subject) else { return nil }
        let wasQuiet = recent[subject].map { $0 == trouble.said } ?? false
        recent[subject] = trouble.said
        return wasQuiet ? nil : .over
    }

    /// It means nothing any more, whether it is over or not.
    mutating func forget(_ subject: Subject) {
        guard let trouble = troubles.removeValue(forKey: subject) else { return }
        recent[subject] = trouble.said
    }

    /// What has lasted for a while since it was said last.
    mutating func remind(_ now: ContinuousClock.Instant) -> [News] {
        var news: [News] = []
        for (subject, trouble) in troubles where now - trouble.said >= interval {
            troubles[subject]?.said = now
            news.append(.lasts(trouble.text, since: now - trouble.since))
        }
        return news
    }

    /// All of it, as one line for the display.
    var summary: String? {
        troubles.isEmpty ? nil : troubles.values.sorted { $0.since < $1.since }.map(\.text).joined(separator: "; ")
    }
}

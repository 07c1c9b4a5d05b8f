import Dataflow

/// Finds the rows of one run that stand where letters say.
struct ReplayMatch {
    /// The letter of each row that is one's.
    private(set) var chosen: [Int: ReplayLetter] = [:]
    /// By the number of the letter: where its rows stand, and whether they were one record when it was written.
    private(set) var parts: [Int64: (parts: [ReplayPlace], isDivided: Bool)] = [:]
    /// By the number of the letter: why it has none.
    private(set) var obstacles: [Int64: String] = [:]

    private let run: BatchRun
    private let holders: ReplayHolders
    /// Where each row of the batch stands, and what it holds.
    private let places: [ReplayPlace]
    private var byPlace: [ReplayPlace: [Int]] = [:]
    private var byBytes: [ReplayPlace: [Int]] = [:]
    /// Documents and elements with others in them that are bad as a whole.
    private var bad: Set<ReplaySpot> = []
    /// The documents with one of these in them.
    private var damaged: Set<ReplaySpot> = []

    init(_ batch: Batch, _ run: BatchRun, _ finder: DocumentFinder, _ places: [ReplayPlace]) {
        self.run = run
        self.places = places
        holders = ReplayHolders(batch: batch, finder: finder)
        let elements = batch.elementPlaces
        for row in run.rows {
            byPlace[places[row], default: []].append(row)
            byBytes[places[row].withoutElement, default: []].append(row)
            guard !elements.isEmpty, elements.numbers[(row + 1) * elements.arrays.count - 1] == .max else { continue }
            bad.insert(places[row].spot)
            damaged.insert(places[row].withoutElement.spot)
        }
    }

    /// Finds the rows of letters, those of which most is known first.
    mutating func find(_ letters: [ReplayLetter]) {
        let known = Dictionary(grouping: letters, by: \.place)
        for (place, letters) in known where place.element != nil { take(byPlace[place], letters) }
        divide(known.filter { byPlace[$0.key] == nil && byBytes[$0.key] == nil })
        for (place, letters) in known where place.element == nil {
            let rows = byBytes[place]?.filter { chosen[$0] == nil }
            // What the letter is of may be in what is bad, and another row be like it.
            let isUnclear = damaged.contains(place.spot) && rows?.contains { places[$0].element != nil } == true
            take(isUnclear ? [] : rows, letters)
        }
    }

    private mutating func take(_ rows: [Int]?, _ letters: [ReplayLetter]) {
        guard let rows else { return }
        guard rows.count == letters.count else {
            for letter in letters { obstacles[letter.id] = Self.unclear }
            return
        }
        for (row, letter) in zip(rows, letters) {
            chosen[row] = letter
            parts[letter.id] = ([places[row]], false)
        }
    }

    /// Finds the rows in the place of letters that are of no row.
    private mutating func divide(_ letters: [ReplayPlace: [ReplayLetter]]) {
        guard !letters.isEmpty else { return }
        let found = holders.rows(of: run, at: Set(letters.keys))
        for (place, letters) in letters {
            let held = found[place] ?? []
            if place.spot.around.contains(where: bad.contains) {
                for letter in letters { obstacles[letter.id] = Self.enclosed }
            } else if held.count == letters.count, !held.joined().contains(where: { chosen[$0] != nil }) {
                for (rows, letter) in zip(held, letters) {
                    for row in rows { chosen[row] = letter }
                    parts[letter.id] = (rows.map { places[$0] }, true)
                }
            } else {
                for letter in letters { obstacles[letter.id] = held.isEmpty ? Self.changed : Self.unclear }
            }
        }
    }

    static let changed =
        "another record stands at its place now: the topic was made anew, the file changed, or the topology cuts messages "
        + "into other records"
    static let unclear = "several records of its message are alike, and not all of them are dead letters"
    static let enclosed = "the document or the element that it stands in is bad as a whole now"
}

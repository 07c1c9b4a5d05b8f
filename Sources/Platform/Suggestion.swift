/// Finds the word a user probably meant, for the hints of diagnostics.
public enum Suggestion {
    /// Longest word compared; longer ones get no suggestion.
    private static let lengthMax = 64

    /// The candidate nearest to `word`, nil when none is near enough to be a likely slip of the fingers.
    ///
    /// Near means: equal but for case, `-` and `_`, or at a distance of at most a third of the longer word's
    /// length (at least 1). Among equals the first candidate wins.
    /// - Parameter distanceMax: the greatest distance, where a third is too much.
    public static func nearest(
        to word: String, in candidates: some Sequence<String>, distanceMax: Int = .max
    ) -> String? {
        let word = fold(word)
        guard !word.isEmpty, word.count <= lengthMax else { return nil }
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let folded = fold(candidate)
            guard folded.count <= lengthMax else { continue }
            let distance = distance(word, folded)
            let limit = min(distanceMax, max(1, max(word.count, folded.count) / 3))
            guard distance <= limit, distance < max(word.count, folded.count) else { continue }
            if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
        }
        return best?.candidate
    }

    /// `did you mean 'x'?`, nil when no candidate is near.
    public static func hint(for word: String, in candidates: some Sequence<String>) -> String? {
        nearest(to: word, in: candidates).map { "did you mean '\($0)'?" }
    }

    private static func fold(_ word: String) -> [Unicode.Scalar] {
        word.lowercased().unicodeScalars.map { $0 == "-" ? "_" : $0 }
    }

    /// The number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
    /// (F. Damerau, "A technique for computer detection and correction of spelling errors", 1964; in the
    /// restricted form, which edits no substring twice).
    ///
    /// - Complexity: O(*a*·*b*) time, O(*b*) memory.
    static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            row.reserveCapacity(b.count + 1)
            for j in b.indices {
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row.append(cost)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}

/// What the system says about what programs are doing.
package enum ProgramActivity {
    /// How deep programs that programs have started are looked for.
    private static let depthMax = 4

    /// Whether a thread of a process, or of one that it has started, is at work at this moment: it runs, or waits for a
    /// processor or a disk. Others wait for input, for others or for time to pass.
    package static func isBusy(_ id: Int32) -> Bool { isBusy("\(id)", depth: 0) }

    /// Whether a process has ended and only its number is left (a zombie). False where the system says nothing of it.
    package static func hasEnded(_ id: Int32) -> Bool {
        state(ofStat: "/proc/\(id)/stat").map { ["Z", "X"].contains($0) } ?? false
    }

    /// The letter for the state of a process or a thread.
    private static func state(ofStat path: String) -> Substring? {
        // Behind the name in parentheses, which may hold anything, is the state.
        guard let text = SystemFile.read(path), let end = text.lastIndex(of: ")") else { return nil }
        return text[end...].split(separator: " ").dropFirst().first
    }

    private static func isBusy(_ id: some StringProtocol, depth: Int) -> Bool {
        for thread in SystemFile.names(in: "/proc/\(id)/task") where Int32(thread) != nil {
            let path = "/proc/\(id)/task/\(thread)"
            if let state = state(ofStat: "\(path)/stat"), ["R", "D"].contains(state) { return true }
            guard depth < depthMax, let children = SystemFile.read("\(path)/children") else { continue }
            if children.split(whereSeparator: \.isWhitespace).contains(where: { isBusy($0, depth: depth + 1) }) {
                return true
            }
        }
        return false
    }
}

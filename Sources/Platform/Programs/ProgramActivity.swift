/// What the system says about what programs are doing.
package enum ProgramActivity {
    /// How deep programs that programs have started are looked for.
    private static let depthMax = 4

    /// Whether a thread of a process, or of one that it has started, is at work at this moment: it runs, or waits for a
    /// processor or a disk. Others wait for input, for others or for time to pass.
    package static func isBusy(_ id: Int32) -> Bool { isBusy("\(id)", depth: 0) }

    private static func isBusy(_ id: some StringProtocol, depth: Int) -> Bool {
        for thread in SystemFile.names(in: "/proc/\(id)/task") where Int32(thread) != nil {
            let path = "/proc/\(id)/task/\(thread)"
            // Behind the name in parentheses, which may hold anything, is the state.
            if let text = SystemFile.read("\(path)/stat"), let end = text.lastIndex(of: ")"),
                let state = text[end...].split(separator: " ").dropFirst().first, ["R", "D"].contains(state)
            {
                return true
            }
            guard depth < depthMax, let children = SystemFile.read("\(path)/children") else { continue }
            if children.split(whereSeparator: \.isWhitespace).contains(where: { isBusy($0, depth: depth + 1) }) {
                return true
            }
        }
        return false
    }
}

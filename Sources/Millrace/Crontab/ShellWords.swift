/// The first simple command of a line for the shell: its words up to the first operator.
struct ShellWords {
    /// A word, and where it begins in the line.
    struct Word: Hashable {
        /// What it says, without its quotes.
        var text: String
        /// Whether the shell puts something else in its place: a variable, the output of a command, names of files.
        var isExpanded: Bool
        var start: String.Index
    }

    private(set) var words: [Word] = []
    /// What follows on the words, from the first operator on; empty when nothing does.
    private(set) var rest: Substring
    /// Whether a quote is not closed, or what the shell is to put in a place.
    private(set) var isOpen = false

    /// Cuts a line.
    init(_ line: String) { self.init(line[...]) }

    /// Cuts what is left of a line, whose places the words have.
    init(_ line: Substring) {
        rest = line
        while true {
            rest = rest.drop(while: \.isWhitespace)
            guard let first = rest.first, !Self.isOperator(first) else { return }
            // 2>&1 is an operator with a number in front.
            if first.isNumber, let next = rest.drop(while: \.isNumber).first, next == ">" || next == "<" { return }
            readWord()
        }
    }

    /// Goes on to the next simple command of the line, past redirections.
    /// - Returns: what stands between the two, such as `&&`; nil when there is no other, or this cannot tell.
    mutating func advance() -> String? {
        while true {
            rest = rest.drop(while: \.isWhitespace)
            if let joint = ["&&", "||", "|&", ";", "|", "&"].first(where: { rest.hasPrefix($0) }) {
                let whole = self
                self = ShellWords(rest.dropFirst(joint.count))
                isOpen = isOpen || whole.isOpen
                return joint
            }
            let target = rest.drop(while: \.isNumber)
            guard let first = target.first, first == ">" || first == "<" else { return nil }
            let after = ShellWords(target.drop { "<>&|".contains($0) })
            // `2>&-` closes; `<(…)` is not understood.
            guard !after.words.isEmpty else { return nil }
            isOpen = isOpen || after.isOpen
            rest = after.rest
        }
    }

    private static func isOperator(_ character: Character) -> Bool { ";&|<>()#".contains(character) }

    private mutating func readWord() {
        var word = Word(text: "", isExpanded: false, start: rest.startIndex)
        var quote: Character?
        while let character = rest.first {
            if quote == nil, character.isWhitespace || (Self.isOperator(character) && character != "#") { break }
            rest.removeFirst()
            switch (character, quote) {
            case ("'", nil), ("\"", nil): quote = character
            case ("'", "'"), ("\"", "\""): quote = nil
            case ("\\", let quote) where quote != "'":
                guard let next = rest.popFirst() else { break }
                // Between double quotes it only protects what would mean something there.
                if quote == "\"", !"\"\\$`".contains(next) { word.text.append("\\") }
                word.text.append(next)
            case ("$", let quote) where quote != "'", ("`", let quote) where quote != "'":
                word.isExpanded = true
                word.text.append(character)
                word.text += readSubstitution(after: character)
            case ("*", nil), ("?", nil), ("[", nil), ("~", nil):
                word.isExpanded = true
                word.text.append(character)
            default: word.text.append(character)
            }
        }
        isOpen = isOpen || quote != nil
        words.append(word)
    }

    /// The rest of `$(…)`, `${…}` or what stands between backticks: part of its word, whatever stands in it.
    private mutating func readSubstitution(after opening: Character) -> String {
        let start = rest
        var closings: [Character] = []
        if opening == "`" {
            closings = ["`"]
        } else if let bracket = rest.first, let closing = Self.closings[bracket] {
            rest.removeFirst()
            closings = [closing]
        }
        while let closing = closings.last {
            guard let character = rest.popFirst() else {
                isOpen = true
                break
            }
            switch character {
            case closing: closings.removeLast()
            // Between single quotes nothing is special.
            case _ where closing == "'": break
            case "\\": rest = rest.dropFirst()
            case "'" where closing != "\"", "\"", "`": closings.append(character)
            case "(" where closing == ")": closings.append(")")
            case "$":
                if let bracket = rest.first, let inner = Self.closings[bracket] {
                    rest.removeFirst()
                    closings.append(inner)
                }
            default: break
            }
        }
        return String(start[..<rest.startIndex])
    }

    private static let closings: [Character: Character] = ["(": ")", "{": "}"]
}

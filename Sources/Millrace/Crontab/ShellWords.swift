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
    /// Whether a quote is not closed.
    private(set) var isOpen = false

    /// Cuts a line.
    init(_ line: String) {
        rest = line[...]
        while true {
            rest = rest.drop(while: \.isWhitespace)
            guard let first = rest.first, !Self.isOperator(first) else { return }
            // 2>&1 is an operator with a number in front.
            if first.isNumber, let next = rest.drop(while: \.isNumber).first, next == ">" || next == "<" { return }
            readWord()
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
            case ("*", nil), ("?", nil), ("[", nil), ("~", nil):
                word.isExpanded = true
                word.text.append(character)
            default: word.text.append(character)
            }
        }
        isOpen = isOpen || quote != nil
        words.append(word)
    }
}

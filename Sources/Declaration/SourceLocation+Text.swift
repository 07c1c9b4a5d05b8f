extension SourceLocation {
    /// The place after `text`, when `text` begins here: for errors inside an expression.
    ///
    /// A line break leads to the same column of the next line, which is where the next line of a YAML block scalar
    /// begins. Exact for plain and quoted scalars on one line and for literal blocks; approximate where YAML
    /// changed the text (escapes, `${NAME}`, folded lines).
    public func advanced(over text: some Sequence<Unicode.Scalar>) -> SourceLocation {
        var place = self
        for scalar in text {
            if scalar == "\n" {
                place.line += 1
                place.column = column
            } else {
                place.column += 1
            }
        }
        return place
    }
}

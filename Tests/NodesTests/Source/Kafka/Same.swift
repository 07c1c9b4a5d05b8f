import Testing

/// Expects what a mutating call returned: the macro takes no such calls.
func same<Value: Equatable>(
    _ found: Value, _ wanted: Value, _ comment: Comment? = nil,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
) {
    #expect(found == wanted, comment, sourceLocation: sourceLocation)
}

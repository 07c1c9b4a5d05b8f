/// Why the catalogue did not do what it was asked.
package struct CatalogError: Error, CustomStringConvertible, Sendable {
    package enum Code: String, Sendable {
        case unknownTopology = "unknown-topology"
        case unknownVersion = "unknown-version"
        case tooLong = "too-long"
        case nothingToDo = "nothing-to-do"
        case elsewhere
        /// The database has nothing of Millrace's.
        case absent
        /// Somebody else was first.
        case moved
        /// Somebody holds a table.
        case locked
    }

    package var code: Code
    package var description: String
}

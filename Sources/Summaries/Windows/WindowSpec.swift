package import Declaration

/// The declaration of a window type: the single source for reading YAML, diagnostics and the reference page.
package struct WindowSpec: Sendable {
    /// What it is called in the documentation.
    package var name: String
    /// What makes such windows and what they are, in one or more sentences for the reference page.
    package var summary: String
    /// The fields of its declaration, without defaults, since they tell the types apart: a declaration is of the first
    /// type in the catalog that has all of its fields.
    package var fields: [FieldSpec]

    /// Creates a spec.
    package init(name: String, summary: String, fields: [FieldSpec]) {
        self.name = name
        self.summary = summary
        self.fields = fields
    }

    /// The field that a bare value stands for.
    package static let shorthand = "size"
}

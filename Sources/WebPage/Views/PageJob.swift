/// A change that was begun in this process, and takes longer than an answer may.
package struct PageJob: Sendable {
    package var title: String
    /// How far it is, while it is under way.
    package var progress = ""
    /// nil while it is under way.
    package var outcome: String?
    package var hasFailed = false

    package init(title: String) { self.title = title }

    /// What a view says of it.
    var markup: HTML {
        let bad: HTML = hasFailed ? " bad" : ""
        return """
            <p class="said\(bad)" role="status"><b>\(title)</b>: \
            \(outcome ?? (progress.isEmpty ? "under way …" : "under way, \(progress)"))</p>
            """
    }
}

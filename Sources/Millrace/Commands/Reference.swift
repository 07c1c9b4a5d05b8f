import ArgumentParser
import Expressions
import Kafka
import Nodes
import TopologyFile

/// `millrace reference`: the pages of docs/ that are made from the code. For `scripts/docs`.
struct Reference: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a page of the documentation that is made from the code.", shouldDisplay: false)

    /// What can be printed.
    enum Page: String, ExpressibleByArgument, CaseIterable {
        case nodes
        case functions
        case kafkaSettings = "kafka-settings"

        /// The page in Markdown.
        var markdown: String {
            switch self {
            case .nodes: NodeReference(specs: NodeCatalog.specs, settings: NodeCatalog.settings).markdown
            case .functions: FunctionReference.markdown
            case .kafkaSettings: SettingsReference.markdown
            }
        }
    }

    @Argument(help: "Which page.")
    var page: Page

    func run() { print(page.markdown, terminator: "") }
}

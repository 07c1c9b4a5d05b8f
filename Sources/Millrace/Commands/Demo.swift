import ArgumentParser

/// `millrace demo`.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the whole way on this machine.")
    func run() async throws {}
}

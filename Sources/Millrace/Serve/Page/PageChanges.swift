import Catalog
import WebPage

/// The versions of a topology and what stands beside it, for the page.
struct PageChanges {
    /// Versions on the page.
    private static let versionsMax = 50

    private let request: PageRequest
    private let topology: TopologyFigures
    private let job: PageJob?

    init(_ request: PageRequest, _ topology: TopologyFigures, _ job: PageJob?) {
        self.request = request
        self.topology = topology
        self.job = job
    }

    func page(_ catalog: inout Catalog) throws -> ChangesPage {
        let plans = try catalog.plans(of: topology.name)
        let versions = try catalog.versions(of: topology.name).prefix(Self.versionsMax).map { version in
            ChangesPage.Version(
                version: version, plan: Redaction.redacted(plans[version.version] ?? ""),
                file: Secrets.concealed(version.file))
        }
        let beside = try catalog.rebuilds(of: topology.name).map { found -> ChangesPage.Beside in
            let rebuild = found.rebuild
            let status = TopologyFigures(try TopologyStatus.all(&catalog, named: rebuild.name)[0])
            let behind = try catalog.distance(rebuild)?.messages
            let left = behind.flatMap { $0 > 0 && status.rate > 0 ? Double($0) / status.rate : nil }
            return ChangesPage.Beside(
                name: rebuild.name, isNext: try catalog.isNext(rebuild), state: status.state, mood: status.mood,
                behind: behind, secondsLeft: left)
        }
        return ChangesPage(request: request, topology: topology, versions: versions, beside: beside, job: job)
    }
}

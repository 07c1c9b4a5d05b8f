/// What of a topology can be shown while its database cannot be asked: nothing of what stands there.
package struct AwayPage {
    package var request: PageRequest
    package var topology: TopologyFigures
    /// Why the database cannot be asked.
    package var failure: String?

    package init(request: PageRequest, topology: TopologyFigures, failure: String?) {
        self.request = request
        self.topology = topology
        self.failure = failure
    }

    package var markup: HTML {
        Layout(
            title: "\(request.view.title) · \(topology.name)", request: request, lookAgain: 2_000, warning: failure
        ).page(
            topology,
            """
            <div class="empty"><h2>It cannot be shown now</h2><p>What stands here is read from the database. It is here again \
            as soon as the database answers; what runs goes on meanwhile.</p></div>
            """)
    }
}

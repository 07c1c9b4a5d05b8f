/// Who has how many of a node's permits: a row of `millrace.permits`, as a value.
struct PermitBook: Codable, Equatable, Sendable {
    /// What one process has, and wants.
    struct Claim: Codable, Equatable, Sendable {
        /// The process, as it names itself.
        var instance: String
        /// The number of the lock that its session holds as long as it lives.
        var mark: Int32
        /// Permits over all processes, as it was told.
        var limit: Int
        /// Permits that are its own. Whatever it does, it uses no more.
        var held: Int
        /// How many it could use.
        var wish: Int

        /// Whether it could use more than it has.
        var isShort: Bool { wish > held }
    }

    /// In the order of instances.
    var claims: [Claim] = []

    /// Permits that somebody has.
    var lent: Int { claims.reduce(0) { $0 + $1.held } }

    /// What everybody is to have: one permit after the other goes round, past those who want no more, until there is none
    /// left. What is left over in the last round goes to others in every turn.
    /// - Parameters:
    ///   - permits: how many there are.
    ///   - wishes: how many each could use.
    ///   - turn: counts the turns.
    static func shares(of permits: Int, among wishes: [String: Int], turn: Int) -> [String: Int] {
        let order = wishes.keys.sorted()
        guard !order.isEmpty else { return [:] }
        let first = turn % order.count
        let round = order[first...] + order[..<first]
        var shares: [String: Int] = [:]
        var left = permits
        while left > 0 {
            let before = left
            for instance in round where left > 0 && shares[instance, default: 0] < wishes[instance, default: 0] {
                shares[instance, default: 0] += 1
                left -= 1
            }
            if left == before { break }
        }
        return shares
    }
}

import Declaration

extension FilterPlan: Explainable {
    package var explanation: [String] {
        ["hands on the numbers of the records for which \(clauses.joined(separator: " and ")); copies none"]
    }
}

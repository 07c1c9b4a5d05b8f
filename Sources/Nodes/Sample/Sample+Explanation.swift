import Declaration

extension SamplePlan: Explainable {
    var explanation: [String] {
        ["hands on \(Self.text(millionths)) of the records, chosen by a hash of \(field ?? "their place in the log")"]
    }
}

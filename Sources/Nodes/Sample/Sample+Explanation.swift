import Declaration

extension SamplePlan: Explainable {
    var explanation: [String] {
        let share = "\(Double(millionths) / 1_000_000)%"
        return ["hands on \(share) of the records, chosen by a hash of \(field ?? "their place in the log")"]
    }
}

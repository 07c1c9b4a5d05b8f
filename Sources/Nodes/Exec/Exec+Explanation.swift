import Dataflow
import Declaration

extension ExecPlan: Explainable {
    var explanation: [String] {
        let life =
            mode == .stream
            ? "it lives on and answers a line for each line"
            : "it is started for each batch and answers a line for each line"
        let fieldList = fields.map { "\($0.name) \($0.typeName)" }.joined(separator: ", ")
        var lines = ["has \(name) add \(fieldList); \(life)"]
        lines.append("sends \(sent.map(\.name).joined(separator: ", "))")
        lines.append(
            "killed when it says nothing for \(timeout)"
                + (memoryMax.map { ", or takes more than \($0 >> 20) MiB" } ?? "")
                + "; dead letter for a record that has no answer in \(attempts == 1 ? "one try" : "\(attempts) tries")")
        return lines
    }

    var filledFields: [String] { fields.map(\.name) }
}

import Dataflow
import Declaration
import Expressions

extension DerivePlan: Explainable {
    var explanation: [String] {
        fields.map { field in
            let read = field.reads.isEmpty ? "constants" : field.reads.sorted().joined(separator: ", ")
            return "computes \(field.name) \(field.expression.resultType) of \(read)"
        }
    }

    var filledFields: [String] { fields.map(\.name) }
}

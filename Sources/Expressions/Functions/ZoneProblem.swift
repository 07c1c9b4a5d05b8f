import Platform

/// What is said of a zone that there is not.
enum ZoneProblem {
    static func of(_ name: String, argument: Int) -> FormProblem {
        if let advice = TimeZoneDatabase.advice(onTwofold: name) {
            return FormProblem(
                code: "unknown-zone", argument: argument, message: "this time zone has two meanings, found '\(name)'",
                hint: advice)
        }
        let isOffset = name.contains { $0 == "+" || $0.isNumber }
        return FormProblem(
            code: "unknown-zone", argument: argument,
            message: "there is no time zone of this name, found '\(name)', expected one such as Europe/Berlin",
            hint: isOffset
                ? "a zone has a name; add an offset as an interval: field + interval '2 hours'"
                : Suggestion.hint(for: name, in: TimeZoneDatabase.system.names))
    }
}

import Dataflow
package import Declaration

/// A metric as written in a topology file: `percentiles(duration_ms, 50, 95, 99.9)`, `uniques(user, precision: precise)`.
///
/// Which functions, arguments and options there are is for the node to say; this is the shape only.
package struct MetricCall: Sendable {
    /// One argument without a name.
    package enum Argument: Sendable {
        /// A field of the records.
        case field(String, location: SourceLocation)
        /// A number, also as written.
        case number(text: String, Double, location: SourceLocation)

        /// Where the argument stands.
        package var location: SourceLocation {
            switch self {
            case .field(_, let location), .number(_, _, let location): location
            }
        }
    }

    /// One `name: value`.
    package struct Option: Sendable {
        /// What an option may be set to.
        package enum Value: Sendable, Equatable {
            /// A bare word or a text in quotes.
            case word(String)
            /// A number, also as written.
            case number(text: String, Double)
            /// `true` or `false`.
            case boolean(Bool)
        }

        /// The option's name.
        package var name: String
        /// Where the name stands.
        package var location: SourceLocation
        /// What it is set to.
        package var value: Value
        /// Where the value stands.
        package var valueLocation: SourceLocation
    }

    /// The function's name as written.
    package var function: String
    /// Where the function's name stands.
    package var functionLocation: SourceLocation
    /// The arguments in order.
    package var arguments: [Argument]
    /// The options in order, each name once.
    package var options: [Option]

    /// The option called `name`.
    package func option(_ name: String) -> Option? { options.first { $0.name == name } }

    /// Parses a metric that begins at `start` of its file.
    ///
    /// - Throws: the syntax error with its place; a retry does not help.
    package static func parse(_ text: String, at start: SourceLocation) throws(Diagnostics) -> MetricCall {
        var parser = try MetricParser(ExpressionSource(text, at: start))
        return try parser.parse()
    }
}

extension MetricCall {
    /// The call up to an option called `name`, as it was written.
    fileprivate func written(with name: String) -> String {
        let fields = arguments.map { argument in
            switch argument {
            case .field(let field, _): field
            case .number(let text, _, _): text
            }
        }
        return "\(function)(" + (fields + [name]).joined(separator: ", ")
    }
}

extension ExpressionToken {
    /// A name as it was written; nil for other tokens, such as texts, which may be secrets.
    fileprivate var word: String? { if case .name(let word, _) = kind { word } else { nil } }
}

/// Parses a metric's tokens.
private struct MetricParser {
    private let source: ExpressionSource
    private let tokens: [ExpressionToken]
    private var index = 0

    init(_ source: ExpressionSource) throws(Diagnostics) {
        self.source = source
        tokens = try ExpressionLexer.tokens(of: source)
    }

    mutating func parse() throws(Diagnostics) -> MetricCall {
        guard case .name(let function, false) = tokens[0].kind else { throw unexpected("a metric such as count()") }
        var call = MetricCall(
            function: function, functionLocation: source.location(tokens[0].offset), arguments: [], options: [])
        index = 1
        guard accept(.leftParenthesis) else {
            throw unexpected("'('", hint: "for example \(function)()")
        }
        if !accept(.rightParenthesis) {
            repeat { try parseArgument(into: &call) } while accept(.comma)
            guard accept(.rightParenthesis) else { throw unexpected("',' or ')'", hint: hintInside(call)) }
        }
        guard tokens[index].kind == .end else {
            throw unexpected("the end", hint: hintBehind(call))
        }
        return call
    }

    private mutating func accept(_ symbol: ExpressionToken.Symbol) -> Bool {
        guard tokens[index].kind == .symbol(symbol) else { return false }
        index += 1
        return true
    }

    private func unexpected(_ expected: String, hint: String? = nil) -> Diagnostics {
        source.problem(
            "metric-syntax", tokens[index].offset,
            "the metric is not well formed, found \(tokens[index].found), expected \(expected)", hint: hint)
    }

    private mutating func parseArgument(into call: inout MetricCall) throws(Diagnostics) {
        let token = tokens[index]
        let location = source.location(token.offset)
        switch token.kind {
        case .name(let name, let isQuoted):
            index += 1
            if !isQuoted, accept(.colon) {
                guard call.option(name) == nil else {
                    throw source.problem("metric-syntax", token.offset, "the option '\(name)' stands twice")
                }
                let (value, valueLocation) = try parseValue()
                call.options.append(
                    .init(name: name, location: location, value: value, valueLocation: valueLocation))
                return
            }
            if !isQuoted, accept(.assign) {
                throw source.problem(
                    "metric-syntax", tokens[index - 1].offset, "an option is written with ':', found '='",
                    hint: "write \"\(call.written(with: name)): \(tokens[index].word ?? "value"))\" in quotes")
            }
            if !isQuoted, name.lowercased() == "distinct", case .name(let field, _) = tokens[index].kind {
                throw source.problem(
                    "metric-syntax", token.offset, "there is no distinct in a metric, found 'distinct \(field)'",
                    hint: "write uniques(\(field))")
            }
            try refuseAfterOption(call, token)
            call.arguments.append(.field(name, location: location))
        case .number, .symbol(.minus):
            try refuseAfterOption(call, token)
            guard case .number(let text, let number) = try parseValue().value else { throw unexpected("a number") }
            call.arguments.append(.number(text: text, number, location: location))
        case .symbol(.times) where call.function.lowercased() == "count":
            throw unexpected("')'", hint: "write count()")
        default: throw unexpected("a field, a number or an option", hint: "for example sum(revenue)")
        }
    }

    private func hintInside(_ call: MetricCall) -> String? {
        switch tokens[index].kind {
        case .symbol(.remainder): "write the number alone: percents are 0 to 100"
        case .symbol(.leftParenthesis), .symbol(.plus), .symbol(.minus), .symbol(.times), .symbol(.divide):
            "a metric takes a field, not an expression"
        default: nil
        }
    }

    /// SQL says here which records take part, or how the window goes.
    private func hintBehind(_ call: MetricCall) -> String? {
        guard case .name(let word, false) = tokens[index].kind, ["filter", "where"].contains(word.lowercased()) else {
            return nil
        }
        return "write { metric: \(call.function)(…), where: \"…\" }"
    }

    private func refuseAfterOption(_ call: MetricCall, _ token: ExpressionToken) throws(Diagnostics) {
        guard let option = call.options.last else { return }
        throw source.problem(
            "metric-syntax", token.offset, "an argument stands after the option '\(option.name)', found \(token.found)",
            hint: "options come last")
    }

    private mutating func parseValue() throws(Diagnostics) -> (value: MetricCall.Option.Value, location: SourceLocation)
    {
        let location = source.location(tokens[index].offset)
        let isNegative = accept(.minus)
        let value: MetricCall.Option.Value
        switch tokens[index].kind {
        case .number(let number):
            value = .number(text: (isNegative ? "-" : "") + number.text, isNegative ? -number.double : number.double)
        case .name(let word, _) where !isNegative: value = .word(word)
        case .text(let text) where !isNegative: value = .word(text)
        case .keyword(.true) where !isNegative: value = .boolean(true)
        case .keyword(.false) where !isNegative: value = .boolean(false)
        default: throw unexpected(isNegative ? "a number" : "a word, a number, true or false")
        }
        index += 1
        return (value, location)
    }
}

package import Declaration

extension SummaryPlan {
    /// The most windows of one node.
    static let windowsMax = 8

    /// Reads `window` and `windows`.
    mutating func readWindows(
        _ node: NodeDeclaration, _ input: RecordSchema, _ catalog: WindowCatalog, _ problems: inout Diagnostics
    ) {
        let (one, several) = (node.config["window"], node.config["windows"])
        guard let place = (several ?? one)?.location else { return }
        if let one, several != nil {
            problems.append(
                Diagnostic(
                    code: "window-count", at: one.location, "found `window` beside `windows`, expected one of them",
                    hint: "write all windows in `windows`"))
        }
        if input.eventTimeColumn == nil, !input.eventTimeIsUnresolved {
            problems.append(
                Diagnostic(
                    code: "no-event-time", at: place, "a window needs an event time",
                    hint: "add `event_time: <timestamp field>` to the parse_json node"))
        }
        eventTimeColumn = input.eventTimeColumn
        let declared = several.map { $0.list ?? [] } ?? one.map { [$0] } ?? []
        if let several, several.list != nil, declared.isEmpty || declared.count > Self.windowsMax {
            problems.append(
                Diagnostic(
                    code: "window-count", at: several.location,
                    "found \(declared.isEmpty ? "no" : "\(declared.count)") windows, expected 1 to \(Self.windowsMax)",
                    hint: declared.isEmpty ? "to make all time one group, remove the key" : nil))
        }
        var functions: [any WindowFunction] = []
        for value in declared {
            guard let function = catalog.compile(value, input: input, &problems) else { continue }
            if functions.contains(where: { $0.definition == function.definition }) {
                problems.append(
                    Diagnostic(
                        code: "duplicate-window", at: value.location, "window \(function.definition) is there twice"))
            } else if let zone = function.zoneField?.name,
                let other = functions.lazy.compactMap({ $0.zoneField?.name }).first(where: { $0 != zone })
            {
                problems.append(
                    Diagnostic(
                        code: "window-zone", at: value.location,
                        "the windows of a node take their zones from one field, found \(other) and \(zone)",
                        hint: "use a summarize node for each"))
            } else {
                functions.append(function)
            }
        }
        windows = NamedWindow.list(functions)
    }
}

extension SummaryPlan {
    /// How event time is cut while records are counted: what all windows are made of.
    var cut: EventTimeCut? {
        guard let first = windows.first?.function else { return nil }
        return EventTimeCut(
            function: windows.count == 1 ? first : CommonPanes(windows.map(\.function)), zoneColumn: zoneField?.column)
    }

    /// The field that names the zone of each record, nil when no window needs one.
    package var zoneField: RecordSchema.Field? { windows.lazy.compactMap(\.function.zoneField).first }

    /// Whether groups by window are made of groups by pane when an epoch closes, because they may not be the same.
    var derivesWindows: Bool {
        windows.count > 1 || zoneField != nil || windows.contains { $0.function.windowsPerPane > 1 }
    }

    /// The same summary with one of its windows.
    package func only(window: Int) -> SummaryPlan {
        var plan = self
        plan.windows = NamedWindow.list([windows[window].function])
        return plan
    }

    /// The position of the window that people call `name`, by its size or by all of its definition; nil when there is none,
    /// or several.
    package func window(called name: String) -> Int? {
        // A day in UTC is a length and a unit.
        let name = name == "1 day" && !windows.contains { $0.name == name } ? "1d" : name
        return windows.firstIndex { $0.name == name || $0.function.definition == name }
    }
}

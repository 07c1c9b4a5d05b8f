// Part of class Walker (included inside it): records that are the elements of an array in their document, or of an array in
// the elements of another one.
//
// Fields of an element are written to the element's row. Those of what holds elements, the document or an element of an outer
// array, are written to the row of its first one, and copied to the others when it is complete: they may stand before the
// array or behind it. A bad element is a bad row. One that holds others is a bad row in their place if its own fields are bad,
// or if it lacks the array; so is the document, or if it is no valid JSON.

/// What holds the elements in progress: the document, or an element of an outer array.
struct Holder {
    /// How many arrays it lies in.
    size_t depth;
    /// The row of its first element.
    size_t firstRow;
    /// Its serial number, while `serial` is that of an element.
    uint64_t serial;
    size_t failuresMark;
    size_t okMark;
    /// What stood where its array was expected: SJ_FOUND_ARRAY when it was there.
    uint8_t found;
    /// What stood on the way to the array, in the place of an object.
    uint8_t barred;
};
Holder holder{};
/// The number of the element in progress of each array.
uint32_t numbers[SJ_ARRAYS_MAX];

/// What is wrong with a record.
struct Fault {
    uint8_t code = SJ_OK;
    uint32_t position = 0;
    int32_t field = -1;
    uint8_t found = SJ_FOUND_NOTHING;
};

/// `documents`, when they hold elements.
void elementDocuments() {
    Token at = index;
    sj_rows &rows = *batch.rows;
    for (size_t each = segment.firstDocument; each < segment.lastDocument; each++) {
        if (rows.count == rows.capacity) {
            batch.isFull = true;
            return;
        }
        const uint32_t begin = batch.documents[each].offset - segment.offset;
        const uint32_t end = begin + batch.documents[each].length;
        hold(0);
        arenaMark = batch.arenaEnd;
        unescapedFrom = 0;
        if (*at >= end) {
            rejectDocument(each, {SJ_EMPTY});
            continue;
        }
        const Token next = one(at, end);
        if (batch.isFull) {
            dropElements();
            batch.arenaEnd = arenaMark;
            return;
        }
        if (next != nullptr) {
            at = next;
            const Fault fault = faultOf(0, begin, end - begin);
            if (fault.code != SJ_OK) {
                rejectDocument(each, fault);
                continue;
            }
            for (size_t row = holder.firstRow; row < rows.count; row++) { rows.documents[row] = static_cast<uint32_t>(each); }
            complete();
            rows.documents_done = each + 1;
            continue;
        }
        if (failurePosition >= end) {
            rejectDocument(each, {SJ_TRUNCATED, end - begin});
            backslash = nextBackslash(end);
        } else {
            blameNumber(begin);
            rejectDocument(each, {failureCode, failurePosition - begin, -1, failureFound});
        }
        while (at < index + segment.count && *at < end) { at++; }
    }
}

/// Begins with a record that holds elements, inside of `depth` arrays.
void hold(size_t depth) {
    document = batch.rows->count;
    serial = ++batch.serial;
    hasFieldError = hasConcession = false;
    holder = {depth, document, serial, batch.failures.size(), batch.okCount, SJ_FOUND_NOTHING, SJ_FOUND_NOTHING};
}

/// Makes of the document one bad row and nothing else.
void rejectDocument(size_t each, Fault fault) {
    // An element may be bad half-way, with values in the row that it would have become.
    if (const size_t row = batch.rows->count; row < batch.rows->capacity) {
        for (auto &field : batch.fields) { field->valid[row] = 0; }
    }
    dropElements();
    batch.arenaEnd = arenaMark;
    batch.rejectDocument(each, fault.code, fault.position, fault.field, fault.found);
}

/// Takes back the rows of the holder, for it is bad, or another array of the same name counts instead.
void dropElements() {
    for (size_t row = holder.firstRow; row < batch.rows->count; row++) {
        for (Field *field : batch.scopes[holder.depth].inner) { field->valid[row] = 0; }
    }
    batch.rows->count = holder.firstRow;
    batch.failures.resize(holder.failuresMark);
    batch.okCount = holder.okMark;
    holder.found = holder.barred = SJ_FOUND_NOTHING;
}

/// Whether nothing stands where the array was expected, which the holder may be without.
bool lacksElements() const {
    const auto isNothing = [](uint8_t found) { return found == SJ_FOUND_NOTHING || found == SJ_FOUND_NULL; };
    return batch.elementsOptional && isNothing(holder.found) && isNothing(holder.barred);
}

/// The array at `at`, with `depth` containers around it: the token after it, or null.
__attribute__((noinline)) Token elements(Level &level, Token at, uint32_t depth) {
    dropElements();
    holder.found = kind(at);
    if (holder.found != SJ_FOUND_ARRAY) { return value(at, depth); }
    if (depth >= batch.depthMax) { return fail(SJ_TOO_DEEP, at); }
    const bool hadFieldError = hasFieldError, hadConcession = hasConcession;
    const Token next = byte(at + 1) == ']' ? at + 2 : eachElement(level, at + 1, depth + 1);
    document = holder.firstRow;
    serial = holder.serial;
    hasFieldError = hadFieldError;
    hasConcession = hadConcession;
    return next;
}

Token eachElement(Level &level, Token at, uint32_t depth) {
    const size_t array = holder.depth;
    const bool holdsOthers = array + 1 < batch.arrays.size();
    for (numbers[array] = 0;; numbers[array]++) {
        if (batch.rows->count == batch.rows->capacity) {
            batch.isFull = true;
            return nullptr;
        }
        at = holdsOthers ? holdingElement(level, at, depth) : innermost(level, at, depth);
        if (at == nullptr) { return nullptr; }
        if (byte(at) == ']') { return at + 1; }
        if (byte(at) != ',') { return fail(SJ_INVALID_STRUCTURE, at); }
        at++;
    }
}

/// An element that is a row: the token after it, or null.
Token innermost(Level &level, Token at, uint32_t depth) {
    document = batch.rows->count;
    serial = ++batch.serial;
    hasFieldError = hasConcession = false;
    const bool isValue = !batch.elementValues.empty();
    const bool isObject = byte(at) == '{' && !isValue;
    const Token next = isObject ? object(level, at, depth) : value(at, depth);
    if (next == nullptr) { return nullptr; }
    const uint32_t length = takeRow(at, isObject ? next[-1] + 1 : *next);
    for (Field *field : batch.elementValues) { take(*field, at); }
    const Fault fault = isObject || isValue ? faultOf(batch.arrays.size(), *at, length)
                                            : Fault{SJ_NOT_AN_OBJECT, 0, -1, kind(at)};
    if (fault.code != SJ_OK) {
        rejectElement(batch.arrays.size(), fault);
        return next;
    }
    if (hasConcession) { countConcessions(); }
    batch.status[document] = SJ_OK;
    batch.okCount++;
    return next;
}

/// An element that holds those of the next array: the token after it, or null.
Token holdingElement(Level &level, Token at, uint32_t depth) {
    const Holder outer = holder;
    hold(outer.depth + 1);
    const bool isObject = byte(at) == '{';
    const Token next = isObject ? object(level, at, depth) : value(at, depth);
    if (next != nullptr) {
        const uint32_t end = isObject ? next[-1] + 1 : *next;
        const Fault fault =
            isObject ? faultOf(holder.depth, *at, end - *at) : Fault{SJ_NOT_AN_OBJECT, 0, -1, kind(at)};
        if (fault.code == SJ_OK) {
            complete();
        } else {
            dropElements();
            std::fill_n(numbers + holder.depth, batch.arrays.size() - holder.depth, SJ_NO_NUMBER);
            takeRow(at, end);
            rejectElement(holder.depth, fault);
        }
    }
    holder = outer;
    return next;
}

/// Takes the next row for the element at `at`, which ends before `end` but for white space. Returns its length.
uint32_t takeRow(Token at, uint32_t end) {
    sj_rows &rows = *batch.rows;
    while (base[end - 1] <= ' ') { end--; }
    rows.elements[document] = {segment.offset + *at, end - *at};
    std::copy_n(numbers, batch.arrays.size(), rows.numbers + document * batch.arrays.size());
    rows.count++;
    return end - *at;
}

/// What is wrong with the record in progress, which lies in `depth` arrays and is complete.
Fault faultOf(size_t depth, uint32_t begin, uint32_t length) const {
    if (__builtin_expect(hasFieldError, 0)) {
        for (size_t number = 0; number < batch.fields.size(); number++) {
            const Field &field = *batch.fields[number];
            if (field.errorSerial != serial || field.valid[document] != 0) { continue; }
            return {field.errorCode, field.errorPosition - begin, static_cast<int32_t>(number), field.errorFound};
        }
    }
    if (depth < batch.arrays.size() && holder.found != SJ_FOUND_ARRAY && !lacksElements()) {
        return {SJ_NO_ELEMENTS, length, -1, holder.found};
    }
    for (const Field *field : batch.scopes[depth].required) {
        if (field->valid[document] == 0) { return {SJ_MISSING_REQUIRED, length, numberOf(field)}; }
    }
    return {};
}

int32_t numberOf(const Field *field) const {
    int32_t number = 0;
    while (batch.fields[static_cast<size_t>(number)].get() != field) { number++; }
    return number;
}

/// Books the element of this row, which lies in `depth` arrays, as bad. What was written for those that hold it stays: their
/// other elements may be good.
void rejectElement(size_t depth, Fault fault) {
    for (Field *each : batch.scopes[depth - 1].inner) { each->valid[document] = 0; }
    batch.status[document] = fault.code;
    batch.failures.push_back(
        {static_cast<uint32_t>(document), fault.position, fault.field, fault.code, fault.found, static_cast<uint8_t>(depth),
         batch.rows->elements[document]});
}

/// Gives the rows of a good holder its values.
void complete() {
    const size_t last = batch.rows->count;
    if (hasConcession && last > holder.firstRow) { countConcessions(); }
    for (Field *field : batch.scopes[holder.depth].own) { spread(*field, last); }
}

/// Copies a value of the holder to the good ones of its rows.
void spread(Field &field, size_t last) {
    const size_t firstRow = holder.firstRow;
    const uint8_t isValid = field.valid[firstRow];
    for (size_t row = firstRow; row < last; row++) { field.valid[row] = batch.status[row] == SJ_OK ? isValid : 0; }
    if (last == firstRow) { field.valid[firstRow] = 0; }
    if (isValid == 0) { return; }
    if (field.type == SJ_BOOLEAN) {
        uint8_t *const values = static_cast<uint8_t *>(field.values);
        for (size_t row = firstRow + 1; row < last; row++) { values[row] = values[firstRow]; }
    } else {
        uint64_t *const values = static_cast<uint64_t *>(field.values);
        for (size_t row = firstRow + 1; row < last; row++) { values[row] = values[firstRow]; }
    }
}

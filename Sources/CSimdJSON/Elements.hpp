// Part of class Walker (included inside it): records that are the elements of an array in their document.
//
// Fields of the element are written to the element's row. Those of the document are written to the row of its first
// element, and copied to the others when the document is complete: they may stand before the array or behind it. A document
// that is no valid JSON, or whose own fields are bad, is one bad row and has no others; a bad element is a bad row.

/// The row of the first element of this document.
size_t firstRow = 0;
/// The serial number of the document, while `serial` is that of an element.
uint64_t documentSerial = 0;
size_t failuresMark = 0;
size_t okMark = 0;
/// What stood where the array was expected: SJ_FOUND_ARRAY when it was there.
uint8_t elementsFound = SJ_FOUND_NOTHING;
/// What stood on the way to the array, in the place of an object.
uint8_t elementsBarred = SJ_FOUND_NOTHING;

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
        document = firstRow = rows.count;
        serial = documentSerial = ++batch.serial;
        hasFieldError = hasConcession = false;
        arenaMark = batch.arenaEnd;
        unescapedFrom = 0;
        failuresMark = batch.failures.size();
        okMark = batch.okCount;
        elementsFound = elementsBarred = SJ_FOUND_NOTHING;
        if (*at >= end) {
            rejectDocument(each, SJ_EMPTY, 0);
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
            finishDocument(each, begin, end);
            continue;
        }
        if (failurePosition >= end) {
            rejectDocument(each, SJ_TRUNCATED, end - begin);
            backslash = nextBackslash(end);
        } else {
            blameNumber(begin);
            rejectDocument(each, failureCode, failurePosition - begin, -1, failureFound);
        }
        while (at < index + segment.count && *at < end) { at++; }
    }
}

/// Makes of the document one bad row and nothing else.
void rejectDocument(size_t each, uint8_t code, uint32_t position, int32_t field = -1, uint8_t found = SJ_FOUND_NOTHING) {
    dropElements();
    batch.arenaEnd = arenaMark;
    batch.rejectDocument(each, code, position, field, found);
}

/// Takes back the rows of this document, for it is bad, or another array of the same name counts instead.
void dropElements() {
    for (size_t row = firstRow; row < batch.rows->count; row++) {
        for (Field *field : batch.elementFields) { field->valid[row] = 0; }
    }
    batch.rows->count = firstRow;
    batch.failures.resize(failuresMark);
    batch.okCount = okMark;
    elementsFound = elementsBarred = SJ_FOUND_NOTHING;
}

/// Whether nothing stands where the array was expected, which a document may be without.
bool lacksElements() const {
    const auto isNothing = [](uint8_t found) { return found == SJ_FOUND_NOTHING || found == SJ_FOUND_NULL; };
    return batch.elementsOptional && isNothing(elementsFound) && isNothing(elementsBarred);
}

/// The array at `at`, with `depth` containers around it: the token after it, or null.
__attribute__((noinline)) Token elements(Level &level, Token at, uint32_t depth) {
    dropElements();
    elementsFound = kind(at);
    if (elementsFound != SJ_FOUND_ARRAY) { return value(at, depth); }
    if (depth >= batch.depthMax) { return fail(SJ_TOO_DEEP, at); }
    const bool hadFieldError = hasFieldError, hadConcession = hasConcession;
    const Token next = byte(at + 1) == ']' ? at + 2 : eachElement(level, at + 1, depth + 1);
    document = firstRow;
    serial = documentSerial;
    hasFieldError = hadFieldError;
    hasConcession = hadConcession;
    return next;
}

Token eachElement(Level &level, Token at, uint32_t depth) {
    sj_rows &rows = *batch.rows;
    for (;;) {
        if (rows.count == rows.capacity) {
            batch.isFull = true;
            return nullptr;
        }
        document = rows.count;
        serial = ++batch.serial;
        hasFieldError = hasConcession = false;
        const bool isValue = !batch.elementValues.empty();
        const bool isObject = byte(at) == '{' && !isValue;
        const Token next = isObject ? object(level, at, depth) : value(at, depth);
        if (next == nullptr) { return nullptr; }
        uint32_t end = isObject ? next[-1] + 1 : *next;
        while (base[end - 1] <= ' ') { end--; }
        rows.elements[document] = {segment.offset + *at, end - *at};
        for (Field *field : batch.elementValues) { take(*field, at); }
        if (!isObject && !isValue) {
            rejectElement(SJ_NOT_AN_OBJECT, 0, -1, kind(at));
        } else if (isGoodElement(at)) {
            if (hasConcession) { countConcessions(); }
            batch.status[document] = SJ_OK;
            batch.okCount++;
        }
        rows.count++;
        at = next;
        if (byte(at) == ']') { return at + 1; }
        if (byte(at) != ',') { return fail(SJ_INVALID_STRUCTURE, at); }
        at++;
    }
}

bool isGoodElement(Token at) {
    if (__builtin_expect(hasFieldError, 0)) {
        for (size_t number = 0; number < batch.fields.size(); number++) {
            const Field &field = *batch.fields[number];
            if (field.errorSerial != serial || field.valid[document] != 0) { continue; }
            rejectElement(
                field.errorCode, field.errorPosition - *at, static_cast<int32_t>(number), field.errorFound);
            return false;
        }
    }
    for (Field *field : batch.requiredFields) {
        if (field->valid[document] != 0) { continue; }
        rejectElement(SJ_MISSING_REQUIRED, batch.rows->elements[document].length, numberOf(field));
        return false;
    }
    return true;
}

int32_t numberOf(const Field *field) const {
    int32_t number = 0;
    while (batch.fields[static_cast<size_t>(number)].get() != field) { number++; }
    return number;
}

/// Books the element of this row as bad. What was written for the document stays: its other elements may be
/// good.
void rejectElement(uint8_t code, uint32_t position, int32_t field, uint8_t found = SJ_FOUND_NOTHING) {
    for (Field *each : batch.elementFields) { each->valid[document] = 0; }
    batch.status[document] = code;
    batch.failures.push_back(
        {static_cast<uint32_t>(document), position, field, code, found, batch.rows->elements[document]});
}

/// Gives a complete document its verdict and its rows their values from outside.
void finishDocument(size_t each, uint32_t begin, uint32_t end) {
    if (hasFieldError) {
        for (size_t number = 0; number < batch.fields.size(); number++) {
            const Field &field = *batch.fields[number];
            if (field.errorSerial != serial || field.valid[firstRow] != 0) { continue; }
            return rejectDocument(
                each, field.errorCode, field.errorPosition - begin, static_cast<int32_t>(number), field.errorFound);
        }
    }
    if (elementsFound != SJ_FOUND_ARRAY && !lacksElements()) {
        return rejectDocument(each, SJ_NO_ELEMENTS, end - begin, -1, elementsFound);
    }
    for (Field *field : batch.requiredOutside) {
        if (field->valid[firstRow] == 0) { return rejectDocument(each, SJ_MISSING_REQUIRED, end - begin, numberOf(field)); }
    }
    const size_t last = batch.rows->count;
    if (hasConcession && last > firstRow) { countConcessions(); }
    for (size_t row = firstRow; row < last; row++) { batch.rows->documents[row] = static_cast<uint32_t>(each); }
    for (Field *field : batch.outsideFields) { spread(*field, last); }
    batch.rows->documents_done = each + 1;
}

/// Copies a value of the document to the good ones of its rows.
void spread(Field &field, size_t last) {
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

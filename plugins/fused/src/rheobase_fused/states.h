/* The states of a block: from where a caller has them, and back. Their kinds are numbers, conditions (a byte each) and
   integers. */
static void load_state(int kind, const void *from, int64_t at, int64_t count, int64_t padded, void *to) {
    /* Lanes that are not there do as the first. */
    if (kind == 0) {
        memcpy(to, (const real *)from + at, (size_t)count * sizeof(real));
        for (int64_t i = count; i < padded; i++) ((real *)to)[i] = ((real *)to)[0];
    } else if (kind == 1) {
        const unsigned char *bytes = (const unsigned char *)from + at;
        for (int64_t i = 0; i < padded; i += LANES) ((vbool *)to)[i / LANES] = bools_from(bytes, i, count);
    } else {
        const int32_t *whole = (const int32_t *)from + at;
        for (int64_t i = 0; i < count; i++) ((whole_t *)to)[i] = whole[i];
        for (int64_t i = count; i < padded; i++) ((whole_t *)to)[i] = whole[0];
    }
}

static void store_state(int kind, const void *from, int64_t at, int64_t count, void *to) {
    if (kind == 0) memcpy((real *)to + at, from, (size_t)count * sizeof(real));
    else if (kind == 1)
        for (int64_t i = 0; i < count; i += LANES)
            bools_to((unsigned char *)to + at, ((const vbool *)from)[i / LANES], i, count);
    else
        for (int64_t i = 0; i < count; i++) ((int32_t *)to)[at + i] = (int32_t)((whole_t *)from)[i];
}

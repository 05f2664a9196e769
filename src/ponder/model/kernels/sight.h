// Where texts are kept, and what the rows of a step see of them.
//
// Shapes: B rows, N texts of a level, K key-value heads, C columns of a level, E head size.
#pragma once
#include <cstdint>

struct Store {  // where a level's texts are kept
    void *keys, *values;  // [N,K,C,E]
    int64_t columns;      // C
};

struct Sight {  // what the rows see of a level
    const int64_t* owner;   // [B]: which of the N texts a row reads
    const int64_t* length;  // [B]: how many of its columns
    const int64_t* start;   // [B]: position of its first column in the row's text
};

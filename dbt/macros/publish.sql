{#- Before a build: readers' tables are there, with the columns that this version writes; tells which build they hold.
    `version`: of the models; where it is another one than then, tables and columns that are missing are made. The guard
    row says who builds: while one is at work another one would write the same tables beside Gold. Who was killed holds
    nobody up from the same place (`ours`: how its builds end), and others until `before`. -#}
{%- macro prepare_gold(build, version, at, before, ours) -%}
    {%- set guard = published_table('newest_build') -%}
    {%- set there = adapter.get_relation(guard.database, guard.schema, guard.identifier) -%}
    {%- if not there -%}
        {%- do have_tables() -%}
        {%- do run_query("insert into " ~ guard ~ " (build, version, building) values ('', '', '')") -%}
    {%- endif -%}
    {%- do run_query(
        "update " ~ guard ~ " set building = '" ~ build ~ "', building_since = " ~ moment_of(at)
        ~ " where building = '' or building like '%" ~ ours ~ "' or building_since < " ~ moment_of(before)
    ) -%}
    {%- set held = run_query('select build, version, building, building_since from ' ~ guard).rows[0] -%}
    {%- if held[2] != build -%}
        {%- do exceptions.raise_compiler_error('another build is at work: ' ~ held[2] ~ ', since ' ~ held[3] ~ ' UTC') -%}
    {%- endif -%}
    {%- if there and held[1] != version -%} {%- do have_tables() -%} {%- endif -%}
    {%- do settled() -%}
    {{ log('gold holds ' ~ tojson({'build': held[0], 'version': held[1]}), info=true) }}
{%- endmacro -%}

{#- Publish what was built, of all tables at once. The guard row is changed first: where another build came between,
    nothing else is. -#}
{%- macro publish_gold(build, base, version, days, at) -%}
    {%- set taken = failing("'another build was published meanwhile, or is at work: ' || build || ' ' || building") -%}
    {%- set statements = [
        "update " ~ published_table('newest_build') ~ " set build = case when build = '" ~ base ~ "' and building = '" ~ build
        ~ "' then '" ~ build ~ "' else " ~ taken ~ " end, version = '" ~ version ~ "', building = '' where true"
    ] -%}
    {%- set asked = {} -%}
    {%- for table in published_tables() -%}
        {%- do statements.append('delete from ' ~ table.relation ~ ' where ' ~ is_replaced(table, asked)) -%}
        {%- do statements.append(inserted(table.relation, table.columns, table.rows)) -%}
    {%- endfor -%}
    {%- set days_there, days_now = published_table('build_days'), published_table('changed_days', 'gold_build') -%}
    {%- do statements.append(
        'delete from ' ~ days_there ~ ' where ' ~ ('true' if is_anew() else is_changed_row('build_days', 'changed_days', ['feed', 'ingest_date']))
    ) -%}
    {%- do statements.append(
        "insert into " ~ days_there ~ " (feed, ingest_date, written_by, build) select feed, ingest_date, written_by, '" ~ build
        ~ "' from " ~ days_now ~ ' where written_by is not null'
    ) -%}
    {%- do statements.append(
        "insert into " ~ published_table('builds') ~ " (build, base, first_day, last_day, invocation_id, published_at) values ('"
        ~ build ~ "', '" ~ base ~ "', " ~ day_or_null(days[0]) ~ ", " ~ day_or_null(days[1]) ~ ", '" ~ invocation_id ~ "', "
        ~ moment_of(at) ~ ")"
    ) -%}
    {%- do settled() -%}
    {%- call statement('publish', auto_begin=false) -%} {{ as_one_transaction(statements) }} {%- endcall -%}
    {%- do settled() -%}
{%- endmacro -%}

{#- `asked`: days that are known from another table; several change with the same. -#}
{%- macro is_replaced(table, asked) -%}
    {%- if table.changed and not is_anew() -%}
        {%- set by = table.partition_of_changed -%}
        {%- set which = table.changed ~ '.' ~ by[1] -%}
        {%- if by[0] and which not in asked -%}
            {%- do asked.update({which: days_of(published_table(table.changed, 'gold_build'), by[1])}) -%}
        {%- endif -%}
        {%- set days = asked.get(which) -%}
        {%- set name = table.relation.identifier -%}
        {{ is_one_of(name ~ '.' ~ by[0], days) if by[0] else 'true' }} and {{ is_changed_row(name, table.changed, table.key) }}
    {%- else -%} true
    {%- endif -%}
{%- endmacro -%}

{#- After a build that failed: another one may come. -#}
{%- macro yield_gold(build) -%}
    {%- do run_query("update " ~ published_table('newest_build') ~ " set building = '' where building = '" ~ build ~ "'") -%}
    {%- do settled() -%}
{%- endmacro -%}

{#- After the first build of a version: columns that it no longer writes go, and tables say what they are. -#}
{%- macro finish_version() -%}
    {%- for table in published_tables() -%}
        {%- set gone = [] -%}
        {%- for column in adapter.get_columns_in_relation(table.relation) if column.name | lower not in table.columns -%}
            {%- do gone.append(column) -%}
        {%- endfor -%}
        {%- if gone -%} {%- do alter_relation_add_remove_columns(table.relation, none, gone) -%} {%- endif -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() | list + graph.sources.values() | selectattr('source_name', 'equalto', 'gold') | list -%}
        {%- if node.resource_type in ('model', 'seed', 'snapshot', 'source') and node.config.get('materialized') != 'found' -%}
            {%- set relation = lies_at(node) -%}
            {%- if relation -%} {%- do describe(relation, node) -%} {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do settled() -%}
{%- endmacro -%}

{#- A node's table or view as readers find it; none where it is not there. -#}
{%- macro lies_at(node) -%}
    {%- set name = node.get('alias') or node.name -%}
    {%- if node.resource_type == 'source' -%} {{ return(published_table(name)) }} {%- endif -%}
    {%- if node.config.materialized == 'published' -%} {{ return(published_table(name, node.config.meta.published_in)) }} {%- endif -%}
    {{ return(adapter.get_relation(node.database, node.schema, name)) }}
{%- endmacro -%}

{#- Readers' tables, by name: relation, what was built of it (rows), columns with types, how it lies. -#}
{%- macro published_tables() -%}
    {%- set found = [] -%}
    {%- for node in graph.nodes.values() | selectattr('config.materialized', 'equalto', 'published') | sort(attribute='name') -%}
        {%- do found.append({
            'relation': published_table(node.name, node.config.meta.published_in),
            'rows': published_table(node.name ~ '__rows', 'gold_build'),
            'columns': types_of(node),
            'changed': node.config.meta.get('changed'),
            'key': node.config.meta.get('key'),
            'partition_of_changed': node.config.meta.get('partition'),
            'partition': node.config.get('partition_by'),
            'cluster': node.config.get('cluster_by')
        }) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro -%}

{#- What Gold remembers of its builds (models/gold/builds.yml). -#}
{%- macro kept_of_builds() -%}
    {%- set found = [] -%}
    {%- for node in graph.sources.values() | selectattr('source_name', 'equalto', 'gold') | sort(attribute='name') -%}
        {%- do found.append({'relation': published_table(node.name), 'columns': types_of(node)}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro -%}

{#- Types of a node's columns by their names, as its yml has them. -#}
{%- macro types_of(node) -%}
    {%- set types = {} -%}
    {%- for column in node.columns.values() -%} {%- do types.update({column.name: column.data_type}) -%} {%- endfor -%}
    {{ return(types) }}
{%- endmacro -%}

{%- macro have_tables() -%}
    {%- for layer in ('gold', 'gold_private', 'gold_build') -%} {%- do have_schema(layer) -%} {%- endfor -%}
    {%- for table in published_tables() + kept_of_builds() -%} {%- do have_columns(table) -%} {%- endfor -%}
{%- endmacro -%}

{%- macro have_schema(layer) -%}
    {%- set schema = api.Relation.create(database=target.database, schema=schema_of(layer)) -%}
    {%- if not adapter.check_schema_exists(schema.database, schema.schema) -%} {%- do adapter.create_schema(schema) -%} {%- endif -%}
{%- endmacro -%}

{%- macro have_columns(table) -%}
    {%- set relation = table.relation -%}
    {%- set there = adapter.get_relation(relation.database, relation.schema, relation.identifier) -%}
    {%- if not there -%}
        {%- do run_query(created(table)) -%}
    {%- else -%}
        {%- set held = adapter.get_columns_in_relation(there) | map(attribute='name') | map('lower') | list -%}
        {%- for column in table.columns if column not in held -%}
            {%- do run_query('alter table ' ~ relation ~ ' add column ' ~ column ~ ' ' ~ table.columns[column]) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}

{%- macro inserted(relation, columns, rows) -%}
    insert into {{ relation }} ({{ columns | join(', ') }}) select {{ columns | join(', ') }} from {{ rows }}
{%- endmacro -%}

{%- macro day_or_null(day) -%}
    {{ "date '" ~ day ~ "'" if day else 'cast(null as date)' }}
{%- endmacro -%}

{%- macro moment_of(text) -%}
    cast('{{ text }}' as {{ dbt.type_timestamp() }})
{%- endmacro -%}

{#- An error with a text that is known only then: whatever reads it as a number fails, in each warehouse, and says it. -#}
{%- macro failing(text) -%}
    cast(cast({{ text }} as {{ dbt.type_bigint() }}) as {{ dbt.type_string() }})
{%- endmacro -%}
